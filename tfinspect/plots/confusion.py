"""A confusion matrix as a picture: shares of each true label by shade, counts as numbers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tfinspect.plots.legible import legible
from tfinspect.plots.png import write_png

# With more classes than these the numbers, and then the names, would not be legible.
MAX_COUNTED_CLASSES = 25
MAX_NAMED_CLASSES = 60
# Letters of a name that are shown; of longer ones the middle is left out.
LONGEST_NAME = 24
# Inches: the matrix, a letter of a name, and all that stands beside and below both.
_LEAST_SIDE, _MOST_SIDE, _CLASS, _LETTER = 2.6, 11.8, 0.5, 0.075
_BESIDE, _BELOW, _MARGIN = 2.0, 1.2, 0.1


def confusion_figure(confusion: np.ndarray, labels: Sequence[str], title: str = "") -> Figure:
    """Draws a matrix.

    Args:
      confusion: counts `[C, C]`, true label by row, predicted label by column.
      labels: C names; one with letters that the font lacks is shown as its number, a long one
        without its middle.
      title: above the picture.
    """
    classes = len(labels)
    side = min(max(_LEAST_SIDE, _CLASS * classes), _MOST_SIDE)
    names = [] if classes > MAX_NAMED_CLASSES else [_shortened(name) for name in legible(labels)]
    room = _LETTER * max(map(len, names), default=0)
    figure = Figure(
        figsize=(side + room + _BESIDE, side + room + _BELOW),
        layout=ConstrainedLayoutEngine(w_pad=_MARGIN, h_pad=_MARGIN),
    )
    axes = figure.add_subplot()
    totals = confusion.sum(axis=1, keepdims=True)
    shares = 100.0 * confusion / np.maximum(totals, 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, label="% of the true label", shrink=0.8)
    _name_axes(axes, names)
    if classes <= MAX_COUNTED_CLASSES:
        _write_counts(axes, confusion, shares)
    axes.set_title(title, fontsize="medium")
    return figure


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    end = LONGEST_NAME // 2
    return f"{name[: LONGEST_NAME - 1 - end]}…{name[-end:]}"


def _name_axes(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if not labels:
        return
    size = "small" if len(labels) <= MAX_COUNTED_CLASSES else 6
    positions = range(len(labels))
    long = max(len(label) for label in labels) > 3
    axes.set_xticks(positions, labels, fontsize=size, rotation=90 if long else 0)
    axes.set_yticks(positions, labels, fontsize=size)


def _write_counts(axes: Axes, confusion: np.ndarray, shares: np.ndarray) -> None:
    for row, column in zip(*np.nonzero(confusion), strict=True):
        axes.text(
            column,
            row,
            f"{confusion[row, column]}",
            ha="center",
            va="center",
            fontsize="small",
            color="white" if shares[row, column] > 55 else "black",
        )


def write_confusion(
    confusion: np.ndarray, labels: Sequence[str], path: str, title: str = ""
) -> None:
    """Writes the picture as a PNG file, in one step.

    Raises:
      DataError: the file cannot be written.
    """
    write_png(confusion_figure(confusion, labels, title), path)
