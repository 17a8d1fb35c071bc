"""A histogram of gradient norms, one per example."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfinspect.plots.png import write_png

BINS = 60


def norms_figure(norms: np.ndarray, title: str) -> Figure:
    """Draws how many examples have which norm, with median and 95th percentile.

    Args:
      norms: `[N]`, 0 or more; the axis is logarithmic where they span a factor of 100.
      title: over the picture.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    positive = norms[norms > 0]
    wide = len(positive) > 1 and positive.max() > 100 * positive.min()
    if wide:
        axes.set_xscale("log")
        axes.hist(
            positive, list(np.geomspace(positive.min(), positive.max(), BINS)), color="#446caa"
        )
    else:
        axes.hist(norms, BINS, color="#446caa")
    for share, style in ((50, "-"), (95, "--")):
        value = float(np.percentile(norms, share))
        if value > 0 or not wide:
            name = "median" if share == 50 else f"{share}th percentile"
            axes.axvline(value, color="#d62728", linestyle=style, label=f"{name}: {value:.3g}")
    left_out = len(norms) - len(positive) if wide else 0
    zeros = f", {left_out:,} of norm 0 left out" if left_out else ""
    axes.set_title(f"{title} of {len(norms):,} examples{zeros}")
    axes.set_xlabel("norm of the gradient")
    axes.set_ylabel("examples")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(framealpha=1.0, edgecolor="white")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def write_norms(norms: np.ndarray, path: str, *, title: str) -> None:
    """Writes the histogram as a PNG file, in one step.

    Raises:
      DataError: the file cannot be written.
    """
    write_png(norms_figure(norms, title), path)
