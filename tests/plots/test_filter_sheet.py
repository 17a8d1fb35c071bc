import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from tfinspect.plots.drawing import Box, Pixels, Text
from tfinspect.plots.filter_panel import (
    DEAD_COLOR,
    DUPLICATE_COLOR,
    FilterGrid,
    draw_filter_grid,
    sized,
)
from tfinspect.plots.filter_sheet import FilterSheet, Note, draw_filter_page, draw_filter_sheet
from tfinspect.plots.grid import NOT_FINITE, GridStyle, grid_layout, tile_grid
from tfinspect.plots.lettering import PALE_INK, text_width
from tfinspect.plots.raster import picture_png

TILES = np.linspace(-2, 1, 7 * 3 * 3).reshape(7, 3, 3)
SYMMETRIC = FilterGrid(TILES, GridStyle())


def items(picture, kind):
    return [item for item in picture.items if isinstance(item, kind)]


def texts(picture):
    return [item.text for item in items(picture, Text)]


def test_grid_is_drawn_from_its_tiles():
    pixels = items(draw_filter_grid(SYMMETRIC), Pixels)[0]
    np.testing.assert_array_equal(pixels.values, tile_grid(TILES, sized(SYMMETRIC)))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("symmetric", {"-2", "0", "2"}),
        ("fixed", {"-2", "1"}),
        ("per-filter", {"own least", "own largest"}),
    ],
)
def test_scale_is_printed(scale, expected):
    assert set(texts(draw_filter_grid(FilterGrid(TILES, GridStyle(scale))))) == expected


def test_scale_of_nothing_but_zeros_is_one_zero():
    assert texts(draw_filter_grid(FilterGrid(np.zeros((2, 3, 3)), GridStyle()))) == ["0"]


def test_outlines_surround_their_filters_and_nothing_else():
    picture = draw_filter_grid(FilterGrid(TILES, GridStyle(), dead=(4,), duplicated=(0,)))
    style, pixels = sized(SYMMETRIC), items(picture, Pixels)[0]
    side = 3 * style.enlarge
    dead, duplicated = (box for box in items(picture, Box) if box.line_width == 2)
    assert (dead.line, duplicated.line) == (DEAD_COLOR, DUPLICATE_COLOR)
    assert (duplicated.left, duplicated.top) == (-2, pixels.top + style.padding - 2)
    assert (dead.left, dead.width) == (side + style.padding - 2, side + 4)


def test_outline_of_a_row_of_tiles_covers_the_row():
    grid = FilterGrid(TILES[:6], GridStyle(columns=3, tiles_per_filter=3), dead=(1,))
    (box,) = [box for box in items(draw_filter_grid(grid), Box) if box.line_width == 2]
    assert box.width == 3 * 63 + 2 * 6 + 4


def test_marks_of_a_matrix_stand_outside_of_it():
    columns = np.ones((5, 4, 1))
    grid = FilterGrid(columns, GridStyle(columns=5), matrix=True, dead=(3,))
    picture = draw_filter_grid(grid)
    pixels = items(picture, Pixels)[0]
    above, below = (box for box in items(picture, Box) if box.fill == DEAD_COLOR)
    assert above.top + above.height <= pixels.top
    assert below.top >= pixels.top + pixels.values.shape[0]
    assert above.left == below.left == 3 * 16


def numbered(tiles, numbers, columns=None, **more):
    grid = FilterGrid(tiles, GridStyle(columns=columns), numbers=numbers, **more)
    picture = draw_filter_grid(grid)
    found = [item for item in items(picture, Text) if item.color == PALE_INK and item.size == 10]
    return grid, picture, items(picture, Pixels)[0], found


def test_numbers_stand_below_their_filters_in_the_gap():
    order = (6, 0, 5, 1, 4, 2, 3)
    grid, _, pixels, found = numbered(TILES, order)
    style = sized(grid)
    layout = grid_layout(7, 3, 3, style)
    assert [item.text for item in found] == [str(number) for number in order]
    for place, item in enumerate(found):
        top, left = layout.corner(place)
        bottom = pixels.top + top + layout.tile_height
        assert bottom < item.baseline - 8 < item.baseline < bottom + style.padding
        assert item.left == pixels.left + left + layout.tile_width // 2


def test_numbers_of_many_narrow_filters_do_not_touch():
    _, picture, pixels, found = numbered(np.ones((300, 4, 1)), tuple(range(300)), 300, matrix=True)
    assert 20 < len(found) < 300
    for one, two in pairwise(found):
        assert two.left - one.left > (text_width(one.text, 10) + text_width(two.text, 10)) / 2
    bottom = pixels.top + pixels.values.shape[0]
    assert all(item.baseline - 8 > bottom for item in found)
    bar = items(picture, Pixels)[1]
    assert all(item.baseline < bar.top for item in found)


@pytest.mark.parametrize(
    ("shape", "factor", "padding"),
    [((16, 3, 3), 21, 6), ((64, 7, 7), 9, 6), ((30, 28, 28), 2, 6), ((1024, 3, 3), 7, 4)],
)
def test_small_filters_are_enlarged_by_a_whole_factor(shape, factor, padding):
    style = sized(FilterGrid(np.zeros(shape), GridStyle()))
    assert (style.enlarge, style.padding) == (factor, padding)


@pytest.mark.parametrize("matrix", [True, False])
def test_large_tiles_are_never_shrunk(matrix):
    assert sized(FilterGrid(np.zeros((4, 999, 999)), GridStyle(), matrix=matrix)).enlarge == 1


def sheet(*notes, grids=(SYMMETRIC,)):
    return FilterSheet("net/conv1/weights", "3 x 3 convolution", grids, notes)


def test_sheet_has_title_size_and_notes():
    found = texts(draw_filter_sheet(sheet(Note("2 dead", DEAD_COLOR))))
    assert found[:2] == ["net/conv1/weights", "3 x 3 convolution"]
    assert found[-1] == "2 dead"


def test_swatches_are_filled_for_pixels_and_open_for_outlines():
    picture = draw_filter_sheet(sheet(Note("a", DEAD_COLOR), Note("b", NOT_FINITE, filled=True)))
    *_, opened, filled = items(picture, Box)
    assert (opened.fill, opened.line, filled.fill) == (None, DEAD_COLOR, NOT_FINITE)


def test_everything_is_on_the_paper():
    long = "InceptionResnetV2/Repeat/block35_10/Branch_2/" * 3
    picture = draw_filter_sheet(FilterSheet(long, long, (SYMMETRIC,), (Note(long, DEAD_COLOR),)))
    with Image.open(io.BytesIO(picture_png(picture))) as image:
        pixels = np.asarray(image)
    edges = [pixels[:8], pixels[-6:], pixels[:, :8], pixels[:, -8:]]
    assert all((edge == 255).all() for edge in edges)


def test_grids_of_a_comparison_stand_side_by_side():
    grids = [FilterGrid(TILES, GridStyle(), caption) for caption in ("before", "after")]
    before, after = items(draw_filter_sheet(sheet(grids=tuple(grids))), Pixels)[::2]
    assert before.top == after.top
    assert before.left + before.values.shape[1] < after.left


def test_page_has_a_title_and_every_sheet():
    found = texts(draw_filter_page("Filters of model.ckpt", [sheet(), sheet()]))
    assert found[0] == "Filters of model.ckpt"
    assert found.count("net/conv1/weights") == 2


def test_single_sheet_is_the_page():
    assert draw_filter_page("unused", [sheet()]).height == draw_filter_sheet(sheet()).height
