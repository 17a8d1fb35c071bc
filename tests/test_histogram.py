import numpy as np
import pytest

from tfinspect.histogram import MAX_BINS, Histogram, histogram, merged, on_one_grid

RANDOM = np.random.RandomState(0)
CASES = {
    "normal": RANDOM.standard_normal(5000),
    "small on large": 1e6 + 1e-3 * RANDOM.standard_normal(500),
    "both signs, wide": np.array([-1e300, 0.0, 1e300]),
    "zeros first": np.concatenate([np.zeros(700), np.exp(RANDOM.standard_normal(700))]),
    "denormal": np.array([0.0, 1e-45, 3e-45]),
    "one value": np.full(9, -0.3),
    "zero": np.zeros(3),
}
every_case = pytest.mark.parametrize("values", CASES.values(), ids=CASES)


def bins_by_loop(values, found):
    return [
        sum(low <= value < high for value in values)
        for low, high in zip(found.edges[:-1], found.edges[1:], strict=True)
    ]


@every_case
def test_each_bin_counts_the_values_between_its_edges(values):
    found = histogram(values)
    assert found.counts.tolist() == bins_by_loop(values, found)
    assert found.counts.sum() == len(values)


@every_case
def test_there_are_few_bins_and_none_is_empty_at_the_ends(values):
    counts = histogram(values).counts
    assert len(counts) <= MAX_BINS
    assert counts[0] > 0
    assert counts[-1] > 0


@every_case
@pytest.mark.parametrize("size", [1, 7, 250])
def test_parts_in_any_sizes_and_order_give_the_same_as_the_whole(values, size):
    whole = histogram(values)
    values = RANDOM.permutation(values)[:400] if size == 1 else values
    whole = histogram(values)
    parts = [histogram(values[start : start + size]) for start in range(0, len(values), size)]
    found = merged(None, *reversed(parts), None)
    assert (found.exponent, found.start) == (whole.exponent, whole.start)
    np.testing.assert_array_equal(found.counts, whole.counts)


def test_nothing_has_no_histogram():
    assert histogram(np.zeros(0)) is None
    assert merged() is None
    assert merged(None, None) is None


def test_two_histograms_are_put_on_one_grid():
    narrow, wide = histogram(np.array([0.1, 0.2])), histogram(np.array([-500.0, 500.0]))
    edges, (one, other) = on_one_grid(narrow, wide)
    assert len(one) == len(other) == len(edges) - 1
    assert edges[np.flatnonzero(one)] == pytest.approx([0.0])
    assert one.sum() == other.sum() == 2


def test_coarser_bins_are_unions_of_finer_ones():
    fine = Histogram(0, -3, np.array([1, 2, 3, 4, 5]))
    coarse = fine.coarser(1)
    np.testing.assert_array_equal(coarse.edges, [-4, -2, 0, 2])
    np.testing.assert_array_equal(coarse.counts, [1, 5, 9])
