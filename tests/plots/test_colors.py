import numpy as np
import pytest

from tfinspect.plots.colors import ColorScale, color_bar, overlaid, scale_of


def test_values_from_zero_up_get_a_scale_from_zero():
    scale = scale_of(np.array([1.0, 2.0, 3.0]))
    assert (scale.low, scale.colors) == (0, "viridis")
    assert scale.high == pytest.approx(3, abs=0.01)


def test_values_of_either_sign_get_a_symmetric_scale():
    scale = scale_of(np.array([-5.0, 1.0]), share=1.0)
    assert (scale.low, scale.high, scale.colors) == (-5, 5, "RdBu_r")


def test_a_few_outliers_do_not_darken_the_rest():
    assert scale_of(np.append(np.linspace(0, 1, 9999), 1e6)).high < 1.01


def test_a_few_values_among_zeros_are_still_told_apart():
    assert scale_of(np.append(np.zeros(9999), 7.0)).high == 7


@pytest.mark.parametrize("values", [np.zeros(4), np.full(4, np.nan), np.zeros(0)])
def test_without_a_span_nothing_is_divided_by(values):
    scale = scale_of(values)
    assert (scale.low, scale.high) == (0, 0)
    assert scale.rgb(np.array([0.0])).shape == (1, 3)


def test_zeros_alone_get_the_darkest_color():
    zeros = np.zeros(3)
    darkest = ColorScale(0.0, 1.0, "viridis").rgb(np.array([0.0]))
    np.testing.assert_array_equal(scale_of(zeros).rgb(zeros), np.repeat(darkest, 3, axis=0))


def test_zero_of_a_symmetric_scale_is_the_middle_of_the_colors():
    scale = ColorScale(-2.0, 2.0, "RdBu_r")
    assert scale.rgb(np.array([0.0])).min() > 0.95
    blue, red = scale.rgb(np.array([-9.0, 9.0]))
    assert blue[2] > blue[0]
    assert red[0] > red[2]


def test_what_is_not_finite_has_no_color():
    colors = ColorScale(0.0, 1.0, "viridis").rgb(np.array([np.nan, np.inf, 0.5]))
    assert np.isnan(colors[:2]).all()
    assert np.isfinite(colors[2]).all()


def test_color_bar_runs_from_low_to_high():
    scale = ColorScale(0.0, 1.0, "viridis")
    bar = color_bar(scale, 100, 5)
    assert bar.shape == (5, 100, 3)
    ends = np.rint(255 * scale.rgb(np.array([0.0, 1.0])))
    np.testing.assert_array_equal(bar[0, [0, -1]], ends)


def test_an_overlay_is_brightest_where_the_heat_is():
    heat = np.zeros((8, 8))
    heat[2, 3] = 5
    laid = overlaid(np.full((8, 8, 3), 100, np.uint8), heat).astype(int).sum(axis=2)
    assert np.unravel_index(laid.argmax(), laid.shape) == (2, 3)


@pytest.mark.parametrize("heat", [np.zeros((2, 2)), np.full((2, 2), np.nan)])
def test_an_overlay_without_heat_leaves_the_image_visible(heat):
    image = np.array([[[0] * 3, [90] * 3], [[180] * 3, [255] * 3]], np.uint8)
    laid = overlaid(image, heat)[..., 0].reshape(-1).astype(int)
    assert (np.diff(laid) > 40).all()
