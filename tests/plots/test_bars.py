import numpy as np
import pytest

from tfinspect.plots.bars import AXIS, BAR, bar_chart
from tfinspect.plots.grid import NOT_FINITE


def heights(pixels):
    return (pixels == BAR).all(axis=2).sum(axis=0)


def test_bars_are_as_high_as_their_values():
    drawn = bar_chart(np.array([0.0, 50.0, 100.0]), 101, 3)
    np.testing.assert_array_equal(heights(drawn), [0, 50, 100])
    assert (drawn[100] == AXIS).all()


def test_negative_values_go_down_from_zero():
    drawn = bar_chart(np.array([-50.0, 50.0]), 101, 2)
    assert (drawn[50] == AXIS).all()
    assert (drawn[51:, 1] != BAR).any(axis=1).all()
    assert (drawn[:50, 0] != BAR).any(axis=1).all()


def test_limits_keep_several_charts_comparable():
    low = heights(bar_chart(np.array([1.0]), 101, 1, limits=(0.0, 4.0)))
    np.testing.assert_array_equal(low, [25])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_seen(value):
    drawn = bar_chart(np.array([0.0, value, 1.0]), 10, 3)
    assert (drawn == NOT_FINITE).all(axis=2).sum(axis=0).tolist() == [0, 10, 0]


def test_one_broken_value_among_many_that_share_columns_is_seen():
    values = np.ones(1000)
    values[505] = np.nan
    drawn = bar_chart(values, 10, 10)
    assert (drawn == NOT_FINITE).all(axis=2).sum(axis=0).tolist() == [0] * 5 + [10] + [0] * 4


def test_wide_bars_have_gaps():
    assert heights(bar_chart(np.full(10, 2.0), 20, 100)).tolist().count(0) == 10


def test_more_values_than_columns_share_them():
    drawn = bar_chart(np.concatenate([np.zeros(500), np.ones(500)]), 11, 10)
    np.testing.assert_array_equal(heights(drawn), [0] * 5 + [10] * 5)


def test_marked_bars_stand_on_another_ground():
    drawn = bar_chart(np.array([0.0, 1.0]), 10, 2, marked=np.array([True, False]))
    red, plain = drawn[0, 0], bar_chart(np.array([0.0, 1.0]), 10, 2)[0, 0]
    assert (red != plain).any()


@pytest.mark.parametrize("values", [np.zeros(3), np.full(3, np.nan), np.zeros(0)])
def test_nothing_to_draw_is_an_empty_chart(values):
    assert heights(bar_chart(values, 10, 30)).sum() == 0
