import math

import numpy as np
import pytest

from tfinspect.vector_sums import inner_product, total

SIZES = [0, 1, 8191, 8192, 8193, 3 * 8192, 100_001]


@pytest.mark.parametrize("size", SIZES)
def test_sums_are_those_of_exact_arithmetic(size):
    random = np.random.default_rng(size)
    a, b = random.standard_normal(size), random.standard_normal(size)
    assert total(a) == pytest.approx(math.fsum(a), rel=1e-12, abs=1e-10)
    assert inner_product(a, b) == pytest.approx(math.fsum(a * b), rel=1e-12, abs=1e-10)


def test_small_numbers_are_not_lost_beside_large_ones():
    # A running sum of ones behind 2^53 would stand still.
    vector = np.ones(1 << 16)
    vector[0] = 2.0**53
    assert total(vector) - 2.0**53 >= (1 << 16) - (1 << 14)


def test_values_that_are_not_finite_are_passed_on():
    vector = np.ones(10_000)
    vector[3] = np.inf
    assert (total(vector), inner_product(vector, vector)) == (math.inf, math.inf)
    vector[4] = np.nan
    assert math.isnan(total(vector))
