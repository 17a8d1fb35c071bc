"""Many small tiles on one grid: the arithmetic of filter and channel pictures, in NumPy alone.

Tiles go in as numbers, pixels `[rows, cols, 3]` come out; nothing here knows of fonts or files.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.names import choices

Color = tuple[int, int, int]
SCALES = ("symmetric", "fixed", "per-filter")
MID_GREY = 128
PAPER: Color = (255, 255, 255)
# Values that are no numbers: magenta, from two pixels a value on with white in a checkerboard.
NOT_FINITE: Color = (224, 0, 144)
_NOT_FINITE_GAP: Color = (255, 255, 255)


@dataclass(frozen=True)
class GridStyle:
    """How tiles become pixels.

    Attributes:
      scale: `symmetric`: 0 is mid-grey (128), plus and minus the limit are 255 and 1; `fixed`: the
        lower limit is 0, the upper 255; `per-filter`: as `fixed`, with every filter's own least
        and largest value as its limits.
      limits: lower and upper limit of a fixed scale, of a symmetric one the larger magnitude
        counts; None takes them from the finite values of all tiles.
      columns: tiles in a row; None for a grid as near to square as their number allows.
      padding: pixels around and between the tiles.
      enlarge: pixels along each side of one value.
      tiles_per_filter: how many tiles, one after the other, share the limits of `per-filter`.
      paper: color of the padding and of places without a tile.
    """

    scale: str = "symmetric"
    limits: tuple[float, float] | None = None
    columns: int | None = None
    padding: int = 1
    enlarge: int = 1
    tiles_per_filter: int = 1
    paper: Color = PAPER

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ConfigError(
                f"no scale '{self.scale}'; {choices(self.scale, SCALES)}. Give one of these."
            )
        self._check_limits()
        columns = 1 if self.columns is None else self.columns
        if columns < 1 or self.padding < 0 or self.enlarge < 1:
            raise ConfigError(
                f"a grid of {columns} columns, {self.padding} pixels of padding, enlarged "
                f"{self.enlarge} times cannot be drawn; give at least 1, 0 and 1."
            )

    def _check_limits(self) -> None:
        if self.limits is None:
            return
        low, high = self.limits
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ConfigError(
                f"limits {low:g} and {high:g} make no scale; give the lower one, then the upper."
            )


@dataclass(frozen=True)
class GridLayout:
    """Where the tiles of a grid are.

    Attributes:
      rows, columns: of tiles.
      tile_height, tile_width: pixels of an enlarged tile.
      padding: pixels around and between the tiles.
    """

    rows: int
    columns: int
    tile_height: int
    tile_width: int
    padding: int

    @property
    def height(self) -> int:
        """Pixels of the whole grid."""
        return self.padding + self.rows * (self.tile_height + self.padding)

    @property
    def width(self) -> int:
        """Pixels of the whole grid."""
        return self.padding + self.columns * (self.tile_width + self.padding)

    def corner(self, index: int) -> tuple[int, int]:
        """Returns the top and the left pixel of a tile."""
        row, column = divmod(index, self.columns)
        return (
            self.padding + row * (self.tile_height + self.padding),
            self.padding + column * (self.tile_width + self.padding),
        )


def grid_shape(count: int, height: int = 1, width: int = 1) -> tuple[int, int]:
    """Returns rows and columns whose picture is as near to square as `count` tiles allow.

    The last row may be short, and is never empty; of equally square grids the wide one wins.

    >>> grid_shape(7), grid_shape(32), grid_shape(12), grid_shape(4, height=1, width=4)
    ((3, 3), (6, 6), (3, 4), (4, 1))
    """

    def elongation(columns: int) -> tuple[float, int]:
        rows = math.ceil(count / columns)
        ratio = columns * width / (rows * height)
        return max(ratio, 1 / ratio), -columns

    columns = min(range(1, count + 1), key=elongation)
    rows = math.ceil(count / columns)
    # Fewer columns may do for the same number of rows.
    return rows, math.ceil(count / rows)


def grid_layout(count: int, height: int, width: int, style: GridStyle = GridStyle()) -> GridLayout:
    """Returns the places of `count` tiles of `height` x `width` values.

    Raises:
      ConfigError: there is no tile, or a tile is empty.
    """
    if min(count, height, width) < 1:
        raise ConfigError(
            f"there is nothing to draw in {count} tiles of {height} x {width} values; "
            "give at least one tile with at least one value."
        )
    height, width = style.enlarge * height, style.enlarge * width
    if style.columns is None:
        rows, columns = grid_shape(count, height + style.padding, width + style.padding)
    else:
        rows, columns = math.ceil(count / style.columns), style.columns
    return GridLayout(rows, columns, height, width, style.padding)


def scale_limits(tiles: np.ndarray, scale: str = "symmetric") -> tuple[float, float]:
    """Returns the limits that a scale takes from the finite values of all tiles; 0, 0 for none.

    Those of `per-filter` are the least and the largest value of all.
    """
    finite = tiles[np.isfinite(tiles)]
    if finite.size == 0:
        return 0.0, 0.0
    low, high = float(finite.min()), float(finite.max())
    return _symmetric(low, high) if scale == "symmetric" else (low, high)


def style_limits(tiles: np.ndarray, style: GridStyle) -> tuple[float, float]:
    """Returns the limits of a scale that all tiles share: those that are given, or the tiles' own.

    Those of `per-filter` are the least and the largest value of all.
    """
    if style.limits is None:
        return scale_limits(tiles, style.scale)
    return _symmetric(*style.limits) if style.scale == "symmetric" else style.limits


def _symmetric(low: float, high: float) -> tuple[float, float]:
    largest = max(abs(low), abs(high))
    return -largest, largest


def tile_grid(tiles: np.ndarray, style: GridStyle = GridStyle()) -> np.ndarray:
    """Draws tiles on one grid, row by row.

    Args:
      tiles: `[N, h, w]`, drawn grey, or `[N, h, w, 3]`, drawn as RGB with one scale for the three;
        numbers of any type. Values beyond the limits are drawn as the limits, a scale whose limits
        are equal as mid-grey, NaN and infinities in NOT_FINITE.
      style: scale, columns, padding and size.

    Returns:
      uint8 `[rows, cols, 3]`.

    Raises:
      ConfigError: the tiles have other axes, or there are none.
    """
    tiles = _checked(tiles)
    count, height, width = tiles.shape[:3]
    layout = grid_layout(count, height, width, style)
    cells = np.empty((layout.rows * layout.columns, *_cell_shape(layout), 3), np.uint8)
    cells[:] = style.paper
    inside = np.s_[: len(tiles), : layout.tile_height, : layout.tile_width]
    cells[inside] = _enlarged(tiles, style)
    return _assembled(cells, layout, style)


def _checked(tiles: np.ndarray) -> np.ndarray:
    if tiles.ndim == 3:
        tiles = tiles[..., np.newaxis]
    if tiles.ndim != 4 or tiles.shape[3] not in (1, 3):
        raise ConfigError(
            f"tiles of shape {list(tiles.shape)} cannot be drawn; "
            "give [N, height, width] or [N, height, width, 3]."
        )
    # float32 overflows in the span between two of its largest numbers.
    return tiles.astype(np.float64)


def _cell_shape(layout: GridLayout) -> tuple[int, int]:
    return layout.tile_height + layout.padding, layout.tile_width + layout.padding


def _assembled(cells: np.ndarray, layout: GridLayout, style: GridStyle) -> np.ndarray:
    height, width = _cell_shape(layout)
    by_row = cells.reshape(layout.rows, layout.columns, height, width, 3).swapaxes(1, 2)
    grid = np.empty((layout.height, layout.width, 3), np.uint8)
    grid[:] = style.paper
    grid[layout.padding :, layout.padding :] = by_row.reshape(
        layout.rows * height, layout.columns * width, 3
    )
    return grid


def _enlarged(tiles: np.ndarray, style: GridStyle) -> np.ndarray:
    """Returns uint8 `[N, h * enlarge, w * enlarge, 3]`."""
    not_finite = ~np.isfinite(tiles).all(axis=3)
    pixels = np.broadcast_to(_shades(tiles, style), (*tiles.shape[:3], 3))
    pixels, not_finite = (_repeated(values, style.enlarge) for values in (pixels, not_finite))
    height, width = not_finite.shape[1:]
    rows, columns = (2 * np.arange(size) // style.enlarge for size in (height, width))
    odd = (rows[:, np.newaxis] + columns) % 2 == 1
    pixels[not_finite & ~odd] = NOT_FINITE
    pixels[not_finite & odd] = _NOT_FINITE_GAP
    return pixels


def _repeated(values: np.ndarray, factor: int) -> np.ndarray:
    return values.repeat(factor, axis=1).repeat(factor, axis=2)


def _shades(tiles: np.ndarray, style: GridStyle) -> np.ndarray:
    """Returns uint8 of the same shape; what is not finite has any shade."""
    limits = list(_tile_limits(tiles, style))
    low, high = (np.array(side).reshape(-1, 1, 1, 1) for side in zip(*limits, strict=True))
    span = high - low
    # A span of 0 divides nothing: its values are drawn as what lies half way.
    share = np.where(span > 0, (tiles - low) / np.where(span > 0, span, 1.0), 0.5)
    share = np.clip(np.nan_to_num(share, nan=0.5), 0.0, 1.0)
    if style.scale == "symmetric":
        return np.rint(MID_GREY + 127 * (2 * share - 1)).astype(np.uint8)
    return np.floor(255 * share + 0.5).astype(np.uint8)


def _tile_limits(tiles: np.ndarray, style: GridStyle) -> Iterator[tuple[float, float]]:
    if style.scale == "per-filter":
        for start in range(0, len(tiles), style.tiles_per_filter):
            own = tiles[start : start + style.tiles_per_filter]
            yield from [scale_limits(own, style.scale)] * len(own)
    else:
        yield style_limits(tiles, style)
