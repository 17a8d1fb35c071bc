"""Bar charts as pixels: histograms of a tensor's values, and one bar a channel."""

import numpy as np

from tfinspect.plots.grid import NOT_FINITE, Color

BAR: Color = (68, 108, 170)
ALARM: Color = (206, 60, 50)
AXIS: Color = (120, 126, 133)
BACKGROUND: Color = (247, 248, 249)


def bar_chart(
    values: np.ndarray,
    height: int,
    width: int,
    *,
    limits: tuple[float, float] | None = None,
    marked: np.ndarray | None = None,
) -> np.ndarray:
    """Draws one bar a value, side by side, from 0 up or down.

    Args:
      values: `[B]`; with more than `width` of them neighbours share a column, drawn as their mean.
        What is not finite is a column of NOT_FINITE over the whole height.
      height, width: pixels.
      limits: values at the lower and the upper edge; 0 and those of the longest bars for None.
      marked: bool `[B]`: bars over a red ground; None for none.

    Returns:
      uint8 `[height, width, 3]`.
    """
    marked = np.zeros(len(values), bool) if marked is None else marked
    if not len(values):
        values, marked = np.zeros(1), np.zeros(1, bool)
    broken = ~np.isfinite(values)
    if len(values) > width:
        groups = np.array_split(np.arange(len(values)), width)
        broken = np.array([broken[group].any() for group in groups])
        marked = np.array([marked[group].any() for group in groups])
        values = np.array([_mean(values[group]) for group in groups])
    values = np.where(np.isfinite(values), values, 0.0)
    zero, tops = _levels(values, height, limits)
    owner = np.arange(width) * len(values) // width
    rows = np.arange(height)[:, np.newaxis]
    low, high = np.minimum(zero, tops)[owner], np.maximum(zero, tops)[owner]
    # A gap between bars that have room for one.
    gap = (width >= 4 * len(values)) & (np.diff(owner, append=len(values)) > 0)
    drawn = np.full((height, width, 3), BACKGROUND, np.uint8)
    drawn[np.broadcast_to(marked[owner], (height, width))] = (250, 221, 218)
    drawn[(rows >= low) & (rows < high) & ~gap] = BAR
    drawn[min(zero, height - 1)] = AXIS
    drawn[broken[owner][np.newaxis] & ~gap & (rows >= 0)] = NOT_FINITE
    return drawn


def axis_ends(values: np.ndarray) -> tuple[float, float]:
    """Returns the values at the lower and the upper edge of a chart: 0 is always between them."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=0)), float(finite.max(initial=0))
    return low, 1.0 if low == high else high


def _levels(
    values: np.ndarray, height: int, limits: tuple[float, float] | None
) -> tuple[int, np.ndarray]:
    """Returns the row of 0, and the row in which each bar ends."""
    low, high = axis_ends(values) if limits is None else axis_ends(np.array(limits))
    rows = (height - 1) * (high - np.append(values, 0.0)) / (high - low)
    ends = np.rint(np.clip(rows, 0, height - 1)).astype(int)
    return int(ends[-1]), ends[:-1]


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else np.nan
