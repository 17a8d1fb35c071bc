"""From a kernel `[kh, kw, in, filters]` to the tiles that are drawn of it."""

from dataclasses import dataclass

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.names import choices

LAYOUTS = ("auto", "rgb", "pca", "channels", "matrix")


@dataclass(frozen=True)
class FilterTiles:
    """Tiles of the filters of one layer.

    Attributes:
      tiles: `[N, h, w]` grey, or `[N, h, w, 3]`.
      per_filter: how many tiles, one after the other, belong to each filter.
      columns: tiles in a row; None for a grid as near to square as their number allows.
      note: what a color or a row stands for; empty where a tile is just its filter.
    """

    tiles: np.ndarray
    per_filter: int = 1
    columns: int | None = None
    note: str = ""


def chosen_layout(layout: str, shape: tuple[int, ...]) -> str:
    """Returns what `auto` stands for in a kernel of a shape `[kh, kw, in, filters]`.

    `matrix` for windows of one value, `rgb` for 1 or 3 input channels, `channels` for 2 and for a
    single filter, `pca` for the rest.

    Raises:
      ConfigError: there is no such layout, or not for this shape.
    """
    height, width, channels, filters = shape
    if layout not in LAYOUTS:
        raise ConfigError(f"no layout '{layout}'; {choices(layout, LAYOUTS)}. Give one of these.")
    if layout == "rgb" and channels not in (1, 3):
        raise ConfigError(
            f"filters of {channels:,} channels cannot be drawn as RGB, which needs 1 or 3; "
            "choose the layout pca, channels or matrix."
        )
    if layout != "auto":
        return layout
    if (height, width) == (1, 1):
        return "matrix"
    if channels in (1, 3):
        return "rgb"
    return "channels" if channels == 2 or filters == 1 else "pca"


def filter_tiles(kernel: np.ndarray, layout: str, channels: int | None = None) -> FilterTiles:
    """Lays a kernel out as tiles.

    Args:
      kernel: `[kh, kw, in, filters]`, float.
      layout: `rgb`: one tile a filter, three channels as red, green and blue, one as grey; `pca`:
        one tile a filter, its input channels projected on their three principal components;
        `channels`: one row a filter, one grey tile for each input channel; `matrix`: one column a
        filter, one row a value.
      channels: draw only so many of the first input channels in `channels` and rows in `matrix`.
    """
    by_filter = np.moveaxis(kernel, 3, 0)
    if layout == "rgb":
        return FilterTiles(by_filter if kernel.shape[2] == 3 else by_filter[..., 0])
    if layout == "channels":
        shown = np.moveaxis(by_filter, 3, 1)[:, :channels]
        tiles = shown.reshape(-1, *shown.shape[2:])
        note = "one row a filter, one tile an input channel"
        return FilterTiles(tiles, shown.shape[1], shown.shape[1], note)
    if layout == "matrix":
        rows = by_filter.reshape(len(by_filter), -1, 1)[:, :channels]
        return FilterTiles(rows, columns=len(rows), note="one column a filter, one row an input")
    raise ConfigError(f"layout '{layout}' has no tiles of its own; project the kernel first.")


@dataclass(frozen=True)
class Projection:
    """Three directions in the space of a layer's input channels.

    Attributes:
      directions: `[in, 3]`, orthonormal; zero where there are fewer channels.
      share: of the kernel's sum of squares, how much the three hold; 0..1.
    """

    directions: np.ndarray
    share: float

    def tiles(self, kernel: np.ndarray) -> FilterTiles:
        """Projects `[kh, kw, in, filters]` on red, green and blue.

        A value is lost where any of its channels is NaN or infinite.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            projected = np.einsum("hwif,ic->fhwc", kernel, self.directions, optimize=True)
        note = (
            f"red, green, blue: the 3 principal components of {kernel.shape[2]:,} input channels, "
            f"{self.share:.0%} of the squares"
        )
        return FilterTiles(projected, note=note)


def principal_components(kernel: np.ndarray) -> Projection:
    """Finds the three directions over input channels that hold most of a kernel's squares.

    The mean is not taken away, so that a weight of 0 stays 0. A direction's sign is that of its
    component of largest magnitude, which is made positive: the result is the same in every run.

    Args:
      kernel: `[kh, kw, in, filters]`; NaN and infinities count as 0.
    """
    channels = kernel.shape[2]
    rows = np.moveaxis(kernel, 2, 3).reshape(-1, channels).astype(np.float64)
    rows = np.where(np.isfinite(rows), rows, 0)
    # The squares of large values would overflow.
    rows /= np.abs(rows).max() or 1.0
    squares, vectors = np.linalg.eigh(rows.T @ rows)
    count = min(3, channels)
    directions = np.zeros((channels, 3))
    directions[:, :count] = vectors[:, ::-1][:, :count]
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.where(directions[largest, np.arange(3)] < 0, -1.0, 1.0)
    total = float(squares.sum())
    share = float(squares[::-1][:3].sum()) / total if total > 0 else 0.0
    return Projection(directions, min(max(share, 0.0), 1.0))
