import math

import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.plots.grid import (
    NOT_FINITE,
    GridStyle,
    grid_layout,
    grid_shape,
    scale_limits,
    style_limits,
    tile_grid,
)

W = 255  # paper


def grey(pixels):
    """Returns the one shade of grey pixels; fails for colored ones."""
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0].tolist()


def test_two_tiles_in_symmetric_scale_pixel_by_pixel():
    tiles = np.array([[[-2.0, 0.0], [1.0, 2.0]], [[0.0, 0.0], [-1.0, 0.5]]])
    assert grey(tile_grid(tiles)) == [
        [W, W, W, W, W, W, W],
        [W, 1, 128, W, 128, 128, W],
        [W, 192, 255, W, 64, 160, W],
        [W, W, W, W, W, W, W],
    ]


def test_fixed_scale_goes_from_black_to_white():
    tiles = np.array([[[0.0, 1.0]], [[3.0, 4.0]]])
    style = GridStyle("fixed", padding=0, columns=1)
    assert grey(tile_grid(tiles, style)) == [[0, 64], [191, 255]]


def test_values_beyond_given_limits_are_drawn_as_the_limits():
    tiles = np.array([[[-9.0, -1.0, 0.0, 1.0, 9.0]]])
    fixed = GridStyle("fixed", limits=(-1, 1), padding=0)
    assert grey(tile_grid(tiles, fixed)) == [[0, 0, 128, 255, 255]]
    symmetric = GridStyle("symmetric", limits=(-1, 2), padding=0)
    assert grey(tile_grid(tiles, symmetric)) == [[1, 64, 128, 192, 255]]


def test_per_filter_scale_is_each_tiles_own():
    tiles = np.array([[[0.0, 1.0]], [[-30.0, -10.0]]])
    style = GridStyle("per-filter", padding=0, columns=1)
    assert grey(tile_grid(tiles, style)) == [[0, 255], [0, 255]]


def test_tiles_of_one_filter_share_its_scale():
    tiles = np.array([[[0.0]], [[4.0]], [[7.0]], [[8.0]]])
    style = GridStyle("per-filter", padding=0, columns=2, tiles_per_filter=2)
    assert grey(tile_grid(tiles, style)) == [[0, 255], [0, 255]]


def test_rgb_tiles_have_one_scale_for_their_channels():
    tiles = np.array([[[[-1.0, 0.0, 1.0], [0.5, -0.5, 0.0]]]])
    found = tile_grid(tiles, GridStyle(padding=0))
    assert found.tolist() == [[[1, 128, 255], [192, 64, 128]]]


def test_unsigned_bytes_pass_unchanged_with_their_own_limits():
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    style = GridStyle("fixed", limits=(0, 255), padding=0)
    np.testing.assert_array_equal(tile_grid(image, style)[..., 0], image[0])


@pytest.mark.parametrize("scale", ["symmetric", "fixed", "per-filter"])
def test_all_zero_tiles_are_mid_grey_without_a_warning(scale):
    assert grey(tile_grid(np.zeros((1, 1, 2)), GridStyle(scale, padding=0))) == [[128, 128]]


@pytest.mark.parametrize("scale", ["fixed", "per-filter"])
def test_constant_tiles_are_mid_grey(scale):
    assert grey(tile_grid(np.full((1, 1, 2), 3.5), GridStyle(scale, padding=0))) == [[128, 128]]


@pytest.mark.parametrize("value", [1e-45, np.finfo(np.float32).max])
def test_extreme_floats_do_not_overflow(value):
    tiles = np.array([[[-value, 0, value]]], np.float32)
    assert grey(tile_grid(tiles, GridStyle(padding=0))) == [[1, 128, 255]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_its_own_color_and_leaves_the_scale(value):
    found = tile_grid(np.array([[[value, -1.0, 1.0]]]), GridStyle(padding=0))
    assert found.tolist() == [[list(NOT_FINITE), [1, 1, 1], [255, 255, 255]]]


def test_enlarged_nan_is_a_checkerboard_with_white():
    m, w = list(NOT_FINITE), [W, W, W]
    found = tile_grid(np.full((1, 1, 1), np.nan), GridStyle(padding=0, enlarge=2))
    assert found.tolist() == [[m, w], [w, m]]


def test_nan_in_one_channel_spoils_its_pixel():
    found = tile_grid(np.array([[[[1.0, np.nan, 0.0]]]]), GridStyle(padding=0))
    assert found.tolist() == [[list(NOT_FINITE)]]


def test_enlarging_repeats_whole_pixels():
    found = tile_grid(np.array([[[-1.0, 1.0]]]), GridStyle(padding=0, enlarge=2))
    assert grey(found) == [[1, 1, 255, 255], [1, 1, 255, 255]]


def test_places_without_a_tile_are_paper():
    style = GridStyle(padding=0, paper=(9, 9, 9))
    assert grey(tile_grid(np.zeros((3, 1, 1)), style)) == [[128, 128], [128, 9]]


def test_corner_is_where_the_tile_begins():
    style = GridStyle("fixed", padding=2, enlarge=3, columns=3)
    tiles = np.zeros((5, 2, 1))
    tiles[4] = 1
    top, left = grid_layout(5, 2, 1, style).corner(4)
    found = tile_grid(tiles, style)
    assert (found[top : top + 6, left : left + 3] == 255).all()
    assert found.shape == (2 + 2 * 8, 2 + 3 * 5, 3)


@pytest.mark.parametrize("count", [*range(1, 40), 97, 127, 128, 1009])
def test_grid_is_as_near_to_square_as_any_full_grid(count):
    rows, columns = grid_shape(count)
    assert rows * columns >= count > (rows - 1) * columns
    assert columns - rows in (0, 1)
    assert columns == math.ceil(math.sqrt(count))


def test_flat_tiles_stand_below_each_other():
    assert grid_shape(12, height=1, width=7) == (12, 1)
    assert grid_shape(12, height=7, width=1) == (2, 6)


def test_limits_are_of_the_finite_values():
    tiles = np.array([np.nan, -3.0, np.inf, 2.0])
    assert scale_limits(tiles) == (-3.0, 3.0)
    assert scale_limits(tiles, "fixed") == (-3.0, 2.0)
    assert scale_limits(np.array([np.nan])) == (0.0, 0.0)


def test_given_limits_of_a_symmetric_scale_become_symmetric():
    assert style_limits(np.zeros(1), GridStyle(limits=(-1, 3))) == (-3, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": "symetric"}, r"no scale 'symetric'; nearest: 'symmetric'"),
        ({"columns": 0}, r"a grid of 0 columns"),
        ({"enlarge": 0}, r"enlarged 0 times"),
        ({"limits": (1.0, 0.0)}, r"limits 1 and 0 make no scale"),
        ({"limits": (0.0, math.inf)}, r"limits 0 and inf make no scale"),
    ],
)
def test_wrong_style_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        GridStyle(**settings)


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 3), (2, 3, 0, 3)])
def test_nothing_to_draw_is_an_error(shape):
    with pytest.raises(ConfigError, match="there is nothing to draw in"):
        tile_grid(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3, 4), (1, 1, 1, 1, 1)])
def test_tiles_of_other_axes_are_refused(shape):
    with pytest.raises(ConfigError, match=r"tiles of shape .* cannot be drawn"):
        tile_grid(np.zeros(shape))
