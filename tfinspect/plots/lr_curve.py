"""The curve of a learning-rate finder (arXiv:1506.01186): loss over rates on a log axis."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tfinspect.plots.png import write_png


def lr_figure(
    rates: Sequence[float],
    smoothed: Sequence[float],
    suggested: float | None,
    losses: Sequence[float] | None = None,
) -> Figure:
    """Draws the losses.

    Args:
      rates: learning rates in ascending order.
      smoothed: smoothed loss at each rate.
      suggested: the rate to mark; None marks nothing.
      losses: the raw losses, drawn behind; not finite where the loss diverged; None draws none.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    if losses is not None:
        axes.plot(rates, losses, color="#9ecae1", linewidth=1, label="loss of each step")
    axes.plot(rates, smoothed, color="#08519c", linewidth=2, label="smoothed loss")
    axes.set_xscale("log")
    low, high = _limits(np.asarray(smoothed, float))
    axes.set_ylim(_lowered(low, high, losses), high)
    if suggested is not None:
        axes.axvline(
            suggested, color="#d62728", linestyle="--", label=f"suggested: {suggested:.3g}"
        )
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss (nats)")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    return figure


def _lowered(low: float, high: float, losses: Sequence[float] | None) -> float:
    """Returns the lower end, below every raw loss, too: only the diverging end may leave."""
    finite = [loss for loss in losses or () if math.isfinite(loss)]
    lowest = min(finite, default=low)
    return low if lowest >= low else lowest - 0.05 * (high - lowest)


def _limits(smoothed: np.ndarray) -> tuple[float, float]:
    # The diverging end would press everything of interest into one line.
    finite = smoothed[np.isfinite(smoothed)]
    if not len(finite):
        return 0.0, 1.0
    # A first batch that happens to be easy is no measure for the others.
    low, start = float(finite.min()), float(max(finite[0], np.median(finite)))
    span = max(start - low, 0.1 * abs(start), 1e-6)
    return low - 0.4 * span, start + 0.6 * span


def write_lr_curve(
    rates: Sequence[float],
    smoothed: Sequence[float],
    suggested: float | None,
    path: str,
    *,
    losses: Sequence[float] | None = None,
) -> None:
    """Writes the curve as a PNG file, in one step.

    Raises:
      DataError: the file cannot be written.
    """
    write_png(lr_figure(rates, smoothed, suggested, losses), path)
