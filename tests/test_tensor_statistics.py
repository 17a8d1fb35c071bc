import math

import numpy as np
import pytest

from tfinspect.tensor_statistics import SATURATION, RunningStatistics, tensor_statistics

VALUES = np.random.RandomState(0).standard_normal((6, 5, 4, 3)).astype(np.float32) + 100
VALUES[..., 1] = np.maximum(VALUES[..., 1] - 100, 0)


def test_moments_are_those_of_numpy():
    found = tensor_statistics(VALUES)
    wide = VALUES.astype(np.float64)
    assert found.mean == pytest.approx(wide.mean(), rel=1e-12)
    assert found.std == pytest.approx(wide.std(), rel=1e-12)
    assert found.norm == pytest.approx(np.linalg.norm(wide), rel=1e-12)
    assert (found.min, found.max) == (wide.min(), wide.max())
    np.testing.assert_allclose(found.channel_mean, wide.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found.channel_std, wide.std((0, 1, 2)), rtol=1e-9)


def test_shares_of_zeros_are_exact():
    found = tensor_statistics(VALUES)
    assert found.zeros == (VALUES == 0).mean()
    np.testing.assert_array_equal(found.channel_zeros, (VALUES == 0).mean((0, 1, 2)))


@pytest.mark.parametrize("size", [1, 4])
def test_batches_give_the_same_as_the_whole(size):
    values = VALUES.copy()
    values[1, 2] = np.nan
    running = RunningStatistics((-1, 100.5))
    for start in range(0, 6, size):
        running.add(values[start : start + size])
    found, whole = running.result().row(), tensor_statistics(values, (-1, 100.5)).row()
    assert found == pytest.approx(whole, rel=1e-12)


def test_channels_that_are_zero_everywhere_are_dead():
    values = VALUES.copy()
    values[..., 2] = 0
    assert tensor_statistics(VALUES).dead == 0
    assert tensor_statistics(values).dead == 1


def test_what_is_not_finite_is_counted_and_left_out():
    values = np.array([[1.0, np.nan], [3.0, np.inf], [5.0, -np.inf]])
    found = tensor_statistics(values)
    assert (found.nan, found.inf, found.min, found.max, found.mean) == (1, 2, 1, 5, 3)
    assert math.isnan(found.channel_mean[1])
    assert found.histogram.counts.sum() == 3


def test_a_tensor_without_a_finite_value_has_no_moments():
    found = tensor_statistics(np.full((2, 2), np.nan, np.float32))
    assert (found.mean, found.std, found.min, found.histogram) == (None, None, None, None)
    assert (found.nan, found.zeros, found.dead) == (4, 0, 0)


@pytest.mark.parametrize("shape", [(0,), (0, 4, 4, 3), (4, 0)])
def test_an_empty_tensor_has_no_statistics(shape):
    found = tensor_statistics(np.zeros(shape))
    assert (found.values, found.mean, found.zeros, found.dead) == (0, None, None, 0)


def test_values_near_a_bound_of_their_op_are_saturated():
    assert tensor_statistics(np.array([[0.001, 0.5], [0.995, 0.9]]), SATURATION["Sigmoid"]).row()[
        "saturated"
    ] == pytest.approx(0.5)
    assert tensor_statistics(np.array([0.0, 5.0, 6.0, 6.0]), SATURATION["Relu6"]).saturated == 0.5
    assert tensor_statistics(np.array([0.0, 6.0])).saturated is None


@pytest.mark.parametrize("dtype", ["float16", "int32", "bool", "bfloat16"])
def test_any_real_type_is_counted(dtype):
    import ml_dtypes

    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    found = tensor_statistics(np.array([0, 1, 1, 0]).astype(kind))
    assert (found.mean, found.channels, found.zeros) == (0.5, 1, 0.5)
