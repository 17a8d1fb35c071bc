"""One grid of filters with its caption, outlines and scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfinspect.plots.drawing import Box, Item, Picture, Pixels, Text
from tfinspect.plots.grid import (
    Color,
    GridLayout,
    GridStyle,
    grid_layout,
    grid_shape,
    style_limits,
    tile_grid,
)
from tfinspect.plots.lettering import PALE_INK, text_width

DEAD_COLOR: Color = (213, 94, 0)
DUPLICATE_COLOR: Color = (0, 114, 178)
_BAR_WIDTH, _BAR_HEIGHT = 160, 10
_CAPTION, _CAPTION_LINE = 12, 18
_OUTLINE = 2
# Room above and below a matrix, whose outlines would hide its neighbouring columns.
_MATRIX_ROOM = 6
# Pixels: the widest and the highest grid, the longer side of a tile and of a value in a matrix.
_WIDEST, _WIDEST_OF_SEVERAL = 880, 480
_HIGHEST, _HIGHEST_MATRIX = 1400, 720
_TILE, _MATRIX_VALUE = 64, 16
# Padding for tiles whose longer side has at least so many pixels; with numbers for all.
_PADDINGS, _NUMBERED = ((40, 6), (16, 4), (0, 3)), 15
_NUMBER, _NUMBER_BELOW = 10, 11


@dataclass(frozen=True)
class FilterGrid:
    """Tiles of one layer in one state.

    Attributes:
      tiles: `[N, h, w]` or `[N, h, w, 3]`.
      style: scale, limits, columns and tiles for each filter; padding and size are chosen anew.
      caption: above the grid; empty for none.
      matrix: whether the tiles touch, and are columns of one matrix.
      dead, duplicated: places of filters, in the order of the tiles, to be outlined.
      numbers: of the filters, written below their first tiles; empty for none.
    """

    tiles: np.ndarray
    style: GridStyle
    caption: str = ""
    matrix: bool = False
    dead: tuple[int, ...] = ()
    duplicated: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()


def sized(grid: FilterGrid, several: bool = False) -> GridStyle:
    """Returns the style of a grid with padding and size: a whole factor, as large as is useful."""
    height, width = grid.tiles.shape[1:3]
    widest = _WIDEST_OF_SEVERAL if several else _WIDEST
    if grid.matrix:
        rows, columns = _rows_and_columns(grid)
        factor = min(_MATRIX_VALUE, widest // (columns * width), _HIGHEST_MATRIX // (rows * height))
        return replace(grid.style, padding=0, enlarge=max(1, factor))
    rows, columns = _rows_and_columns(grid)
    for least, padding in ((0, _NUMBERED),) if grid.numbers else _PADDINGS:
        room = widest // columns - padding, _HIGHEST // rows - padding
        factor = max(1, min(room[0] // width, room[1] // height, _TILE // max(height, width)))
        if factor * max(height, width) >= least:
            break
    return replace(grid.style, padding=padding, enlarge=factor)


def _rows_and_columns(grid: FilterGrid) -> tuple[int, int]:
    count, height, width = grid.tiles.shape[:3]
    if grid.style.columns is None:
        return grid_shape(count, height, width)
    return math.ceil(count / grid.style.columns), grid.style.columns


def draw_filter_grid(grid: FilterGrid, several: bool = False) -> Picture:
    """Draws a caption, a grid and its scale below each other.

    The first tile, not the padding around it, begins at the left of the picture.

    Args:
      grid: what to draw.
      several: whether others stand beside it, so that it should be narrower.
    """
    style = sized(grid, several)
    count, height, width = grid.tiles.shape[:3]
    layout = grid_layout(count, height, width, style)
    items: list[Item] = []
    top = 0
    if grid.caption:
        items.append(Text(0, _CAPTION, grid.caption, _CAPTION))
        top += _CAPTION_LINE
    top += _MATRIX_ROOM if grid.matrix else 0
    items.append(Pixels(-style.padding, top, tile_grid(grid.tiles, style)))
    for places, color in ((grid.dead, DEAD_COLOR), (grid.duplicated, DUPLICATE_COLOR)):
        for place in places:
            items += _outline(_extent(place, layout, grid, top), color, grid.matrix)
    items += _numbers(grid, layout, top)
    top += layout.height + (_MATRIX_ROOM if grid.matrix else 0) + 6
    top += _NUMBERED if grid.matrix and grid.numbers else 0
    items += _scale_bar(grid, top)
    width = max(layout.width - 2 * style.padding, _BAR_WIDTH)
    return Picture(width, top + _BAR_HEIGHT + _CAPTION_LINE, tuple(items))


def _extent(place: int, layout: GridLayout, grid: FilterGrid, down: int) -> Box:
    """Returns the rectangle that all tiles of a filter cover."""
    per_filter = grid.style.tiles_per_filter
    top, left = layout.corner(place * per_filter)
    last_top, last_left = layout.corner((place + 1) * per_filter - 1)
    return Box(
        left=left - layout.padding,
        top=down + top,
        width=last_left - left + layout.tile_width,
        height=last_top - top + layout.tile_height,
    )


def _numbers(grid: FilterGrid, layout: GridLayout, down: int) -> list[Item]:
    """Writes the filters' numbers below them, as many of each row as there is room for."""
    items: list[Item] = []
    free_from: dict[int, float] = {}
    for place, number in enumerate(grid.numbers):
        around = _extent(place, layout, grid, down)
        middle = around.left + layout.tile_width // 2
        room = text_width(str(number), _NUMBER) / 2
        if middle - room < free_from.get(around.top, -room):
            continue
        free_from[around.top] = middle + room + 3
        baseline = around.top + layout.tile_height + _NUMBER_BELOW
        baseline += _MATRIX_ROOM if grid.matrix else 0
        items.append(Text(middle, baseline, str(number), _NUMBER, PALE_INK, "middle"))
    return items


def _outline(around: Box, color: Color, matrix: bool) -> list[Item]:
    if matrix:
        sides = (around.top - _MATRIX_ROOM, around.top + around.height + 2)
        return [Box(around.left, side, around.width, _MATRIX_ROOM - 2, color) for side in sides]
    return [
        Box(
            left=around.left - _OUTLINE,
            top=around.top - _OUTLINE,
            width=around.width + 2 * _OUTLINE,
            height=around.height + 2 * _OUTLINE,
            line=color,
            line_width=_OUTLINE,
        )
    ]


def _scale_bar(grid: FilterGrid, top: int) -> list[Item]:
    """Draws the greys of the scale with the values at both ends, and at 0 where it is mid-grey."""
    style = grid.style
    ramp = np.linspace(-1.0, 1.0, _BAR_WIDTH)[np.newaxis, np.newaxis].repeat(_BAR_HEIGHT, axis=1)
    bar = tile_grid(ramp, GridStyle(style.scale, padding=0))
    baseline = top + _BAR_HEIGHT + _CAPTION + 1
    return [
        Pixels(0, top, bar),
        Box(0, top, _BAR_WIDTH, _BAR_HEIGHT, line=PALE_INK),
        *(
            Text(left, baseline, text, _CAPTION - 1, PALE_INK, anchor)
            for left, text, anchor in _bar_texts(grid)
        ),
    ]


def _bar_texts(grid: FilterGrid) -> Sequence[tuple[int, str, str]]:
    style = grid.style
    if style.scale == "per-filter":
        return ((0, "own least", "start"), (_BAR_WIDTH, "own largest", "end"))
    # A negative zero would be printed with its sign.
    low, high = (limit + 0.0 for limit in style_limits(grid.tiles, style))
    if low == high == 0:
        return ((_BAR_WIDTH // 2, "0", "middle"),)
    ends = ((0, f"{low:.3g}", "start"), (_BAR_WIDTH, f"{high:.3g}", "end"))
    return (*ends, (_BAR_WIDTH // 2, "0", "middle")) if style.scale == "symmetric" else ends
