"""The other ImageNet networks against what the original code computed from the same weights."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import arrays, expected_variables, filled, filled_model, probe, slim_facts

from tfinspect.nets.registry import get_spec

# Absolute, of the logits, as the reference data suggest.
LOGITS = {
    "inception": 1.5e-4,
    "resnet_v1": 1.5e-4,
    "resnet_v2": 3e-5,
    "vgg": 4e-4,
    "alexnet": 1.5e-4,
    "overfeat": 1.5e-4,
    "mobilenet_v1": 2e-4,
    "mobilenet_v2": 6e-4,
}
# The others of the fixture are checked by `make test-full`.
QUICK = {"mobilenet_v1_050": [], "mobilenet_v2": [pytest.mark.slow]}
QUICK |= {key: [pytest.mark.slow] for key in ("inception_v1", "inception_v3", "resnet_v2_50")}
CASES = [pytest.param(key, marks=QUICK.get(key, [pytest.mark.oracle_full])) for key in slim_facts()]


def tolerance(key, table):
    return next(value for family, value in table.items() if key.startswith(family))


@pytest.fixture(scope="module", params=CASES)
def computed(request):
    """A case's name, its logits and its end points."""
    key = request.param
    facts = slim_facts()[key]
    size, amplitude = facts["image_size"], 128 if "128" in facts["input"] else 1
    name = key.partition("@")[0]
    model = filled_model(name, facts["num_classes"], size, facts["gain"])
    images = np.random.RandomState(7).uniform(-amplitude, amplitude, (1, size, size, 3))
    run = tf.function(lambda fed: model.network(fed, False))
    logits, end_points = run(images.astype(np.float32))
    return key, logits.numpy(), {n: value.numpy() for n, value in end_points.items()}


def test_logits_are_the_originals(computed):
    key, logits, _ = computed
    if "logits" not in slim_facts()[key]:
        pytest.skip("the reference data have its variables and end points alone")
    stored, allowed = arrays("slim_nets/slim_nets.npz"), tolerance(key, LOGITS)
    first, probed = stored[f"{key}/logits/first64"], stored[f"{key}/logits/probe64"]
    np.testing.assert_allclose(logits.reshape(-1)[:64], first, rtol=0, atol=allowed)
    np.testing.assert_allclose(probe(logits), probed, rtol=0, atol=allowed)
    assert int(logits.argmax()) == slim_facts()[key]["logits"]["argmax"]


def test_inner_end_points_are_the_originals(computed):
    key, _, end_points = computed
    if "std_of_end_points" not in slim_facts()[key]:
        pytest.skip("the reference data have its variables and end points alone")
    stored = arrays("slim_nets/slim_nets.npz")
    allowed = 2e-3 if key.startswith("mobilenet") else 2e-4
    for name, deviation in slim_facts()[key]["std_of_end_points"].items():
        values, prefix = end_points[name], f"{key}/ep/{name}"
        np.testing.assert_allclose(
            probe(values),
            stored[f"{prefix}/probe64"],
            rtol=0,
            atol=allowed * deviation,
            err_msg=name,
        )
        moments = [values.mean(dtype=np.float64), values.std(dtype=np.float64)]
        np.testing.assert_allclose(
            moments, stored[f"{prefix}/mean_std"], rtol=0, atol=1e-4 * deviation, err_msg=name
        )


def test_end_points_have_the_originals_names_shapes_and_order(computed):
    key, _, end_points = computed
    shapes = {name: ",".join(map(str, value.shape)) for name, value in end_points.items()}
    assert list(shapes.items()) == list(slim_facts()[key]["end_points"].items())


@pytest.mark.parametrize("key", ["mobilenet_v1_050", "inception_v1", "resnet_v1_50"])
def test_the_fill_of_these_tests_is_the_references(key):
    facts, digest = slim_facts()[key], hashlib.sha256()
    for name, (shape, _) in expected_variables(f"slim_nets/{key}.variables.txt").items():
        digest.update(filled(name, shape, facts["gain"], depthwise_alone=True).tobytes())
    assert digest.hexdigest() == facts["fill_sha256"]


@pytest.mark.parametrize("key", [key for key in slim_facts() if "@" not in key])
def test_registry_says_what_is_known_of_the_published_weights(key):
    facts, spec = slim_facts()[key], get_spec(key)
    assert spec.num_classes == facts["num_classes"]
    # The original's offset counts the other way: 1 takes the background class off the labels.
    assert spec.label_offset == int(spec.num_classes == 1001)
    assert [*spec.logits_scopes, *spec.aux_scopes] == facts["exclude_scopes"]
    names = expected_variables(f"slim_nets/{key}.variables.txt")
    decayed = [n for n in names if n.rpartition("/")[2] in spec.regularized]
    assert len(decayed) == facts["regularization_losses_with_weight_decay"]
    url, published = spec.checkpoint_url or "none", facts["published_checkpoint"]
    assert (published or "none").split(" ")[0].split("_224")[0].removesuffix("_160") in url


@pytest.mark.parametrize("key", [key for key in slim_facts() if not key.startswith("resnet_v2")])
def test_registry_has_the_originals_size_and_preprocessing(key):
    facts, spec = slim_facts()[key], get_spec(key)
    size = facts["default_image_size"]
    assert spec.image_shape == (size, size, 3)
    # The original's table forgets MobileNets other than 1.0; their weights were made as its.
    expected = "inception" if key.startswith("mobilenet") else facts["preprocessing_of_factory"]
    assert spec.preprocessing.name == (expected or "none")


def test_published_resnet_v2_has_another_size_and_preprocessing_than_the_originals_table():
    spec = get_spec("resnet_v2_50")
    assert (spec.image_shape, spec.preprocessing.name) == ((299, 299, 3), "inception")
