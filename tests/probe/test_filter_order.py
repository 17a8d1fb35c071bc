import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.probe.filter_order import filter_order

FILTERS = np.array([[1, 0], [0, 3], [2, 0.1], [0, 0], [0, -5], [np.nan, 1]], np.float32)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("index", [0, 1, 2, 3, 4, 5]),
        ("norm", [4, 1, 2, 0, 5, 3]),
        # -y has no relative: the least unlike it is next, and 1 ties with 5.
        ("similarity", [4, 0, 2, 1, 5, 3]),
    ],
)
def test_order(order, expected):
    assert filter_order(FILTERS, order).tolist() == expected


@pytest.mark.parametrize("order", ["index", "norm", "similarity"])
def test_only_so_many_are_given_as_are_wanted(order):
    whole = filter_order(FILTERS, order).tolist()
    assert filter_order(FILTERS, order, 3).tolist() == whole[:3]
    assert filter_order(FILTERS, order, 99).tolist() == whole


def test_similar_filters_stand_side_by_side():
    random = np.random.default_rng(3)
    groups = random.permutation(np.repeat(np.arange(4), 5))
    filters = np.eye(4)[groups] * 5 + random.normal(scale=0.1, size=(20, 4))
    ordered = groups[filter_order(filters, "similarity")]
    assert np.count_nonzero(np.diff(ordered)) == 3


@pytest.mark.parametrize("order", ["norm", "similarity"])
def test_filters_that_are_all_zero_stay_in_their_order(order):
    assert filter_order(np.zeros((4, 2)), order).tolist() == [0, 1, 2, 3]


def test_unknown_order_is_refused():
    with pytest.raises(ConfigError, match=r"no order 'norms'; nearest: 'norm'"):
        filter_order(FILTERS, "norms")
