import math

import pytest

from tfinspect.plots.lr_curve import lr_figure, write_lr_curve

RATES, SMOOTHED = [1e-3, 1e-2, 1e-1, 1.0], [2.0, 1.5, 1.0, 50.0]


def test_rates_stand_on_a_log_axis_with_the_suggestion_marked():
    (axes,) = lr_figure(RATES, SMOOTHED, 0.01).axes
    assert axes.get_xscale() == "log"
    curve, mark = axes.get_lines()
    assert list(curve.get_ydata()) == SMOOTHED
    assert set(mark.get_xdata()) == {0.01}
    assert mark.get_label() == "suggested: 0.01"


def test_the_diverging_end_does_not_press_the_curve_flat():
    (axes,) = lr_figure(RATES, SMOOTHED, None).axes
    low, high = axes.get_ylim()
    assert low < 1.0
    assert 2.0 < high < 5.0


def test_an_easy_first_batch_does_not_push_the_curve_off_the_picture():
    smoothed = [1.2, 1.8, 1.75, 1.7, 1.3, 1.5, 50.0]
    (axes,) = lr_figure([10.0**power for power in range(-7, 0)], smoothed, None).axes
    low, high = axes.get_ylim()
    assert low < 1.2
    assert 1.8 < high < 5.0


@pytest.mark.parametrize("losses", [None, [2.1, 1.4, 1.1, math.nan]])
def test_raw_losses_are_drawn_where_given(losses, tmp_path):
    (axes,) = lr_figure(RATES, SMOOTHED, None, losses).axes
    assert len(axes.get_lines()) == (1 if losses is None else 2)
    write_lr_curve(RATES, SMOOTHED, None, str(tmp_path / "lr.png"), losses=losses)
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")


def test_raw_losses_do_not_leave_the_picture_at_the_bottom():
    (axes,) = lr_figure(RATES, SMOOTHED, None, [2.1, 1.4, 0.02, math.nan]).axes
    assert axes.get_ylim()[0] < 0.02
    assert axes.get_ylim()[1] == lr_figure(RATES, SMOOTHED, None).axes[0].get_ylim()[1]
    assert axes.get_ylabel() == "loss (nats)"


def test_losses_without_a_finite_value_make_an_empty_picture():
    (axes,) = lr_figure([0.1], [math.nan], None).axes
    assert axes.get_ylim() == (0.0, 1.0)
