"""Two values of one shape, of any type and size, whatever lies in them."""

import tracemalloc

import ml_dtypes
import numpy as np
import pytest

from tfinspect.value_difference import value_difference


@pytest.mark.parametrize(
    ("one", "two", "changed", "largest"),
    [
        ([np.nan, 1], [np.nan, 1], 0, 0),
        ([np.nan, 1], [np.nan, 2], 0.5, 1),
        ([np.inf, 1], [np.inf, 3], 0.5, 2),
        ([np.inf, 1], [-np.inf, 1], 0.5, np.inf),
        ([np.nan, 1], [0, 1], 0.5, np.inf),
        ([0.0, 1], [-0.0, 1], 0, 0),
        ([0.0, 0], [0, 2], 0.5, 2),
    ],
)
def test_special_values(one, two, changed, largest):
    found = value_difference(np.float32(one), np.float32(two))
    assert (found.changed, found.max_abs) == (changed, largest)


def test_zero_has_no_direction_and_no_relative_size():
    found = value_difference(np.zeros(3), np.ones(3))
    assert (found.relative_l2, found.cosine) == (np.inf, None)


def test_large_integers_that_differ_by_one_are_told():
    found = value_difference(np.int64([2**60]), np.int64([2**60 + 1]))
    assert found.exceeds(0)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.complex64, bool, np.uint8])
def test_other_types_are_compared(dtype):
    one = np.array([0, 1, 1, 0], dtype)
    two = np.array([0, 1, 0, 0], dtype)
    assert value_difference(one, one).changed == 0
    assert value_difference(one, two).max_abs == 1


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        (np.uint64([2**63, 5]), np.uint64([2**63 + 1, 5]), 1),
        (np.int64([-(2**63), 0]), np.int64([2**63 - 1, 0]), 2**64 - 1),
        (np.int32([7, 7]), np.int64([7, 2**53 + 8]), 2**53 + 1),
    ],
)
def test_integers_are_exact(one, two, apart):
    found = value_difference(one, two)
    assert (found.max_abs, found.changed) == (apart, 0.5)
    assert found.relative_l2 == pytest.approx(apart / np.linalg.norm(one.astype(float)))
    assert found.exceeds(1e-20)


def test_complex_numbers_are_points_of_the_plane():
    found = value_difference(np.complex64([3 + 4j, 1]), np.complex64([0, 1]))
    assert (found.max_abs, found.changed) == (5, 0.5)
    assert found.relative_l2 == pytest.approx(5 / np.sqrt(26))


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.int64, bool])
def test_complex_numbers_are_compared_with_real_ones(dtype):
    real, other = np.array([0, 1], dtype), np.complex64([0, 1 + 2j])
    assert value_difference(real, other).max_abs == 2
    assert value_difference(other, real).changed == 0.5


def test_complex_numbers_with_nan_differ_as_a_whole():
    one, two = np.complex64([complex(np.nan, 1), 2]), np.complex64([complex(np.nan, 2), 2])
    found = value_difference(one, two)
    assert (found.changed, found.max_abs) == (0.5, np.inf)
    assert value_difference(one, one.astype(complex)).changed == 0


@pytest.mark.parametrize("largest", [1e-200, 5e-324, 1e-120, 8e307])
def test_doubles_whose_squares_vanish_or_overflow_are_compared(largest):
    one, two = np.float64([largest, 0]), np.float64([2 * largest, 0])
    found = value_difference(one, two)
    assert (found.max_abs, found.changed) == (largest, 0.5)
    assert (found.relative_l2, found.cosine) == (pytest.approx(1), pytest.approx(1))


def test_small_difference_of_large_values_is_kept():
    found = value_difference(np.float64([1, 0]), np.float64([1, 1e-200]))
    assert found.relative_l2 == pytest.approx(1e-200, abs=0)


def test_constant_of_one_element_takes_little_memory():
    value = np.broadcast_to(np.float32(1), (4096, 4096))
    tracemalloc.start()
    found = value_difference(value, value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.changed == 0
    assert peak < 4e6


def test_strings_are_compared():
    found = value_difference(np.array([b"a", b"b"], object), np.array([b"a", b"c"], object))
    assert (found.changed, found.relative_l2) == (0.5, None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_equals_nothing(dtype):
    assert not value_difference(np.empty((0, 3), dtype), np.empty((0, 3), dtype)).exceeds(0)


def test_large_doubles_are_compared_though_their_squares_overflow():
    one, two = np.float64([3e200, -4e200, 1e-300]), np.float64([3e200, 4e200, 2e-300])
    found = value_difference(one, two)
    assert found.relative_l2 == pytest.approx(8 / 5)
    assert found.max_abs == pytest.approx(8e200)
    assert (found.changed, found.cosine) == (pytest.approx(2 / 3), pytest.approx(-7 / 25))
    assert found.exceeds(0.1)
    assert value_difference(one, np.float64([3e200, np.nan, 1e-300])).relative_l2 == np.inf


def test_values_that_are_not_finite_have_no_angle_where_they_differ():
    assert value_difference(np.float32([1, np.inf]), np.float32([1, -np.inf])).cosine is None
    assert value_difference(np.float32([1, 2]), np.float32([1, np.nan])).cosine is None
    assert value_difference(np.float32([1, np.nan]), np.float32([1, np.nan])).cosine == 1
