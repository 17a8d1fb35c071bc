"""What holds for every network of the registry.

Graphs are built and differentiated without running them. Values are computed for small networks
here, and for all in `make test-full`, which CI runs, too.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import ORACLE, expected_variables, fill

from tfinspect.errors import NetworkError
from tfinspect.nets.registry import get_spec, list_specs
from tfinspect.nets.sizes import SIZES
from tfinspect.nets.slim_compat import without_layer_warnings
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints

# The networks in LISTED have the original code's own lists; of the others this file, written by
# --update-golden, has counts and hashes.
DIGESTS = Path(__file__).parents[1] / "nets" / "variable_names" / "digests.json"
NAMES = [spec.name for spec in list_specs()]
LISTED = {path.name.split(".")[0]: path for path in (ORACLE / "slim_nets").glob("*.txt")}
LISTED["inception_resnet_v2"] = ORACLE / "inception_resnet_v2" / "variables.txt"
CLASSES = 7
# Others of their kind stand for them in `make test`: more of the same layers, or of their filters.
FULL = re.compile(
    r"resnet_v[12]_(101|152|200)|cifar_resnet(32|44|47|56|110|164)_\w+|vgg_1[69]"
    r"|mobilenet_v1_075|mobilenet_v2_(130|075|050)"
)
SLOW = re.compile(r"inception_.*|resnet_v[12]_50")
# Whose values are computed in `make test`.
VALUES = re.compile(r"cifar_resnet(20|29)_\w+|mobilenet_v1_025|mobilenet_v2_035")
# Gain of the fill with which the logits neither vanish nor explode.
GAINS = {
    "mobilenet_v1": 3.0,
    "mobilenet_v2": 2.0,
    "resnet_v1": 0.5,
    "resnet_v2": 0.75,
    "cifar": 0.5,
    "vgg": 1.25,
}


def _structure(name):
    if FULL.fullmatch(name):
        return pytest.param(name, marks=pytest.mark.oracle_full)
    return pytest.param(name, marks=pytest.mark.slow if SLOW.fullmatch(name) else [])


def _values(name):
    return pytest.param(name, marks=[] if VALUES.fullmatch(name) else pytest.mark.oracle_full)


every_network = pytest.mark.parametrize("name", [_structure(name) for name in NAMES])


def second_size(spec):
    """Height and width other than the network's own and not equal: quick to compute, and odd."""
    smallest = max(33, spec.minimum_size)
    return smallest, smallest + 5


@pytest.fixture(scope="module", params=[_structure(name) for name in NAMES])
def built(request):
    """A network at its own size and with its own classes, without initial values."""
    spec = get_spec(request.param)
    model = SlimModel(spec, spec.num_classes or 10, seed=None)
    model.build_variables()
    return model


def test_variables_are_those_of_the_golden_list(built, request):
    # The shim's store alone knows the order of creation.
    created = built._tf1_style_var_store._vars.values()
    made = {v.name.removesuffix(":0"): (tuple(v.shape), v.trainable) for v in created}
    if built.name in LISTED:
        expected = expected_variables(LISTED[built.name])
        assert made == expected
        assert list(made) == list(expected)
        return
    digest = hashlib.sha256(repr(made).encode()).hexdigest()
    stored = json.loads(DIGESTS.read_text())
    if request.config.getoption("--update-golden"):
        stored[built.name] = {"variables": len(made), "sha256": digest}
        DIGESTS.write_text(json.dumps(stored, indent=1) + "\n")
    assert {"variables": len(made), "sha256": digest} == stored[built.name]


def test_parameters_are_those_of_the_table(built):
    counted = sum(int(np.prod(v.shape)) for v in built.variables)
    assert counted == SIZES[built.name].parameters


@every_network
def test_second_size_trains_every_variable_that_it_has(name):
    spec = get_spec(name).with_image_size(*second_size(get_spec(name)))
    model = SlimModel(spec, CLASSES, seed=None)
    with tf.__internal__.FuncGraph("second").as_default(), without_layer_warnings():
        images = tf.compat.v1.placeholder(tf.float32, [None, *spec.image_shape])
        logits, end_points = model.network(images, True)
        gradients = tf.gradients(logits, model.trainable_variables)
    assert logits.shape.as_list() == [None, CLASSES]
    assert logits.dtype == tf.float32
    assert "AuxLogits" not in end_points
    unused = zip(model.trainable_variables, gradients, strict=True)
    assert [v.name for v, gradient in unused if gradient is None] == []


@pytest.mark.parametrize("name", [n for n in NAMES if get_spec(n).minimum_size > 1])
def test_smallest_size_is_the_smallest(name):
    smallest = get_spec(name).minimum_size
    with pytest.raises(NetworkError, match=f"takes at least {smallest}x{smallest}"):
        get_spec(name).with_image_size(smallest - 1)


@pytest.fixture(scope="module", params=[_values(name) for name in NAMES])
def model(request):
    """A network of the second size with weights that let the images through."""
    spec = get_spec(request.param)
    model = SlimModel(spec.with_image_size(*second_size(spec)), CLASSES, seed=None)
    fill(model, next((v for k, v in GAINS.items() if spec.name.startswith(k)), 2.0))
    return model


def test_inference_is_deterministic_and_sees_the_image(model):
    images = np.random.RandomState(0).uniform(-1, 1, (2, *model.spec.image_shape))
    run = tf.function(lambda fed: model.network(fed, False)[0])
    first, second = run(images.astype(np.float32)), run(images.astype(np.float32))
    np.testing.assert_array_equal(first, second)
    assert np.all(np.isfinite(first))
    assert np.ptp(np.asarray(first), axis=0).max() > 1e-4


def test_weights_are_saved_and_restored(model, tmp_path):
    before = {key: v.numpy() for key, v in model.variables_by_name().items()}
    checkpoints.save(str(tmp_path / "model.ckpt"), before)
    other = SlimModel(model.spec, CLASSES, seed=None)
    checkpoints.restore(str(tmp_path / "model.ckpt"), other)
    # Some are half a gigabyte, and pytest would keep them.
    shutil.rmtree(tmp_path)
    after = other.variables_by_name()
    assert [key for key in before if not np.array_equal(before[key], after[key])] == []
