import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.errors import NetworkError
from tfinspect.nets.registry import Preprocessing, get_spec, list_specs


def test_importing_the_registry_imports_no_tensorflow():
    program = (
        "import sys; from tfinspect.nets.registry import get_spec, list_specs; list_specs();"
        "get_spec('cifar_resnet20_v1'); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_listed_networks_are_found_by_name():
    for spec in list_specs():
        assert get_spec(spec.name) == spec


@pytest.mark.parametrize(
    "name", ["cifar_resnet8_v1", "cifar_resnet1202_v2", "cifar_resnet11_bottleneck"]
)
def test_any_valid_depth_is_found(name):
    assert get_spec(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar_resnet21_v1", r"depth 21 is not 6n \+ 2.*20 and 26"),
        ("cifar_resnet30_bottleneck", r"depth 30 is not 9n \+ 2.*29 and 38"),
        ("cifar_resnet2_v2", r"depth 2 is not 6n \+ 2.*8"),
        ("cifar_resnet0_v1", r"depth 0 is not 6n \+ 2.*8"),
    ],
)
def test_invalid_depth_names_the_rule_and_the_nearest(name, message):
    with pytest.raises(NetworkError, match=message):
        get_spec(name)


@pytest.mark.parametrize("name", ["cifar_resnet20_v3", "cifar_resnet20", "resnet", ""])
def test_unknown_name_lists_what_exists(name):
    with pytest.raises(NetworkError, match=rf"no network '{name}'; .*any depth 6n \+ 2"):
        get_spec(name)


@pytest.mark.parametrize("width", [0, -1.0, float("nan"), float("inf")])
def test_width_must_be_above_zero(width):
    with pytest.raises(NetworkError, match="is not above 0"):
        get_spec("cifar_resnet20_v1", width=width)


def test_width_is_refused_where_it_would_change_nothing():
    with pytest.raises(NetworkError, match=r"'vgg_16' has no width 0\.5; leave it out"):
        get_spec("vgg_16", width=0.5)


def test_preactivation_starts_with_half_the_learning_rate():
    cifar = [spec for spec in list_specs() if spec.name.startswith("cifar")]
    rates = {spec.name.rpartition("_")[2]: spec.default_learning_rate for spec in cifar}
    assert rates == {"v1": 0.1, "v2": 0.05, "bottleneck": 0.05}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_preprocessing_is_the_same_for_arrays_and_tensors(dtype):
    preprocessing = Preprocessing(1 / 128, -1.0, channel_means=(1.0, 2.0, 3.0))
    images = np.random.RandomState(0).randint(0, 256, (2, 4, 4, 3)).astype(dtype)
    array = preprocessing.apply(images)
    tensor = preprocessing.apply(tf.constant(images))
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float32
    assert tensor.dtype == tf.float32
    np.testing.assert_array_equal(array, tensor)


def test_cifar_preprocessing_is_the_originals():
    images = np.array([0, 64, 255], np.uint8)
    scaled = get_spec("cifar_resnet20_v1").preprocessing.apply(images)
    np.testing.assert_array_equal(scaled, np.float32([-1.0, -0.5, 255 / 128 - 1]))
