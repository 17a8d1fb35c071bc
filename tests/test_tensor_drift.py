import math

import numpy as np
import pytest

from tfinspect.histogram import histogram
from tfinspect.tensor_drift import drift, stability_index
from tfinspect.tensor_statistics import tensor_statistics

VALUES = np.random.RandomState(0).standard_normal((400, 5))


def test_equal_sets_have_not_moved():
    statistics = tensor_statistics(VALUES)
    found = drift(statistics, statistics)
    assert (found.drift, found.shift, found.std_ratio, found.channel_shift) == (0, 0, 1, 0)


def test_a_moved_mean_is_counted_in_standard_deviations():
    reference = tensor_statistics(VALUES)
    found = drift(reference, tensor_statistics(2 * VALUES + 3))
    assert found.shift == pytest.approx((VALUES.mean() + 3) / VALUES.std())
    assert found.std_ratio == pytest.approx(2)


def test_the_channel_that_moved_most_is_named():
    moved = VALUES.copy()
    moved[:, 3] -= 1
    found = drift(tensor_statistics(VALUES), tensor_statistics(moved))
    assert found.channel == 3
    assert found.channel_shift == pytest.approx(-1 / VALUES[:, 3].std())


def test_stability_index_is_the_sum_over_the_tenths_of_the_reference():
    reference = np.repeat(np.arange(10.0), 100)
    current = np.repeat(np.arange(10.0), [200, 0, *[100] * 8])
    p = (np.full(10, 100) + 0.5) / 1005
    q = (np.array([200, 0, *[100] * 8]) + 0.5) / 1005
    expected = ((q - p) * np.log(q / p)).sum()
    assert stability_index(histogram(reference), histogram(current)) == pytest.approx(expected)


def test_sets_of_one_distribution_are_stable_and_shifted_ones_are_not():
    draw = np.random.RandomState(1).standard_normal
    reference = histogram(draw(20000))
    assert stability_index(reference, histogram(draw(20000))) < 0.01
    # Two normal distributions at distance d: d^2, less what ten parts do not resolve.
    assert stability_index(reference, histogram(draw(20000) + 1)) == pytest.approx(1, abs=0.15)


def test_a_constant_reference_gives_an_infinite_shift():
    found = drift(tensor_statistics(np.zeros((4, 2))), tensor_statistics(np.ones((4, 2))))
    assert (found.shift, found.std_ratio) == (math.inf, 1)


def test_without_finite_values_nothing_is_compared():
    nothing = tensor_statistics(np.full((2, 2), np.nan))
    assert set(drift(tensor_statistics(VALUES), nothing).row().values()) == {None}
