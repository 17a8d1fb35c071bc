import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from oracle_files import CKPT_V2, broken_copy

from tfinspect.artifacts import open_artifact
from tfinspect.entries import VariableEntry
from tfinspect.health import health, value_findings

RANDOM = np.random.RandomState(0)


def _kernel(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def _found(value, name="net/conv/weights"):
    entry = VariableEntry(name, value.shape, str(value.dtype), value.size, value.nbytes)
    return {finding.finding: finding for finding in value_findings(entry, value)}


def test_healthy_kernel_has_no_findings():
    assert _found(_kernel(3, 3, 8, 16)) == {}


@pytest.mark.parametrize(
    ("value", "finding", "count"),
    [
        (np.float32([1, np.nan, np.nan]), "nan", 2),
        (np.float32([1, np.inf, -np.inf, 0]), "inf", 2),
        (np.zeros((3, 3), np.float32), "all zero", 9),
        (np.full(4, 7, np.int32), "constant", 4),
        (np.float32([1, -2e7, 3e6]), "exploding", 2),
        (np.float32([1, 1e-40, 0]), "denormal", 1),
        (np.array([np.nan, 1], ml_dtypes.bfloat16), "nan", 1),
        (np.float32([np.inf, np.inf, 2e6, 1]), "exploding", 1),
        (np.array([1e-40, 1, 2], ml_dtypes.bfloat16), "denormal", 1),
        (np.array([np.nan, 1, 2], ml_dtypes.float8_e5m2), "nan", 1),
    ],
)
def test_wrong_values_are_found(value, finding, count):
    assert _found(value)[finding].count == count


def test_single_value_is_not_constant():
    assert _found(np.float32([3])) == {}


def test_integers_do_not_explode():
    assert _found(np.int64([4_200_000_001, 1])) == {}


def test_equal_filters_are_found():
    kernel = _kernel(3, 3, 8, 16)
    kernel[..., 7] = kernel[..., 2]
    found = _found(kernel)["duplicate filters"]
    assert (found.count, found.detail) == (1, "filter 7 equals 2")


def test_filters_of_a_depthwise_kernel_are_its_channels():
    kernel = _kernel(3, 3, 8, 1)
    kernel[:, :, 5] = kernel[:, :, 0]
    found = _found(kernel, "net/dw/depthwise_weights")["duplicate filters"]
    assert found.detail == "filter 5 equals 0"


def test_zero_filters_are_not_copies_of_each_other():
    kernel = _kernel(3, 3, 8, 16)
    kernel[..., :3] = 0
    assert "duplicate filters" not in _found(kernel)


def test_zero_filters_are_dead():
    kernel = _kernel(3, 3, 8, 16)
    kernel[..., [2, 9]] = 0
    found = _found(kernel)["dead filters"]
    assert (found.count, found.detail) == (2, "all weights are near zero in filters 2, 9")


@pytest.mark.parametrize(
    ("layer", "dead"), [("conv2d", None), ("conv2d_transpose", 1), ("depthwise_conv2d", 4)]
)
def test_filters_are_those_of_the_layer_of_a_kernel(layer, dead):
    kernel = _kernel(3, 3, 8, 4)
    kernel[:, :, 5] = 0
    entry = VariableEntry("net/up/kernel", kernel.shape, "float32", kernel.size, kernel.nbytes)
    found = {one.finding: one.count for one in value_findings(entry, kernel, None, layer)}
    assert found.get("dead filters") == dead


def test_broken_values_are_counted_among_all():
    assert _found(np.float32([1, np.nan, 2]))["nan"].detail == "1 of 3 values"


@pytest.mark.parametrize("kind", ["gamma", "moving_variance"])
def test_channels_without_scale_are_dead(kind):
    found = _found(np.float32([1, 1e-9, 2]), f"net/BatchNorm/{kind}")["dead channels"]
    assert (found.count, found.detail) == (1, f"{kind} is near zero in channels 1")


@pytest.mark.parametrize("dtype", [ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn])
def test_small_steps_of_eight_bit_floats_are_no_finding(dtype):
    assert _found(np.array([2**-9, 2**-8, 1], dtype)) == {}


def test_small_values_elsewhere_are_not_dead():
    assert _found(np.float32([1, 1e-9, 2]), "net/biases") == {}


def test_broken_value_is_a_finding_and_the_rest_is_read(tmp_path):
    prefix = broken_copy(CKPT_V2, tmp_path, "tower_0/conv3/weights")
    found = [(one.name, one.finding) for one in health(open_artifact(prefix))]
    assert ("tower_0/conv3/weights", "unreadable") in found
    assert ("extras/special", "nan") in found


def test_large_kernel_takes_little_memory():
    value = np.random.default_rng(0).standard_normal((512, 8192), np.float32)
    value[:, 5000] = value[:, 7]
    tracemalloc.start()
    (finding,) = value_findings(VariableEntry("w/kernel", value.shape, "float32", 0, 0), value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert finding.detail == "filter 5000 equals 7"
    assert peak < value.nbytes / 2
