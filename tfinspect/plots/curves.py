"""The curves of a training run: loss, accuracy and learning rate by epoch."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfinspect.plots.png import write_png

# From this ratio of the largest to the smallest loss on, the axis is logarithmic.
LOG_RANGE = 50
TRAIN_COLOR, VALIDATION_COLOR, RATE_COLOR = "#1f77b4", "#d62728", "#555555"


class Epoch(Protocol):
    """What is drawn of an epoch."""

    @property
    def epoch(self) -> int:
        """1 for the first."""

    @property
    def learning_rate(self) -> float:
        """In force at its end."""

    @property
    def loss(self) -> float:
        """Mean over its steps."""

    @property
    def accuracy(self) -> float:
        """Mean over its steps, 0..1."""

    @property
    def validation_loss(self) -> float:
        """At its end."""

    @property
    def validation_accuracy(self) -> float:
        """At its end, 0..1."""


def curves_figure(records: Sequence[Epoch], kept_epoch: int | None = None) -> Figure:
    """Draws loss, accuracy and learning rate, one panel each, over the epochs.

    The epoch whose weights were kept, if one is given, is named and marked.
    """
    figure = Figure(figsize=(7.0, 7.5), layout="constrained")
    loss, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.5))
    _pair(loss, records, "loss", "loss (nats, L2 terms included)")
    _scale_loss(loss, records)
    _pair(accuracy, records, "accuracy", "accuracy (%)", factor=100.0)
    epochs = [record.epoch for record in records]
    rate.plot(
        epochs, [record.learning_rate for record in records], color=RATE_COLOR, **_mark(records)
    )
    rate.set_ylabel("learning rate")
    rate.set_xlabel("epoch")
    rate.set_ylim(bottom=0)
    rate.set_xlim(0.5, max(epochs, default=1) + 0.5)
    rate.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _note_kept(accuracy, records, kept_epoch)
    for axes in (loss, accuracy, rate):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _mark(records: Sequence[Epoch]) -> dict[str, Any]:
    # Single epochs must be visible as points.
    return {"marker": "o", "markersize": 3, "linewidth": 1.5} if len(records) <= 60 else {}


def _pair(axes: Axes, records: Sequence[Epoch], name: str, title: str, factor: float = 1.0) -> None:
    epochs = [record.epoch for record in records]
    for prefix, label, color in (
        ("", "train", TRAIN_COLOR),
        ("validation_", "validation", VALIDATION_COLOR),
    ):
        values = [factor * getattr(record, prefix + name) for record in records]
        axes.plot(epochs, values, color=color, label=label, **_mark(records))
    axes.set_ylabel(title)
    axes.legend(frameon=False)


def _scale_loss(axes: Axes, records: Sequence[Epoch]) -> None:
    # Moving statistics that are not settled give first validation losses in the hundreds.
    losses = [value for record in records for value in (record.loss, record.validation_loss)]
    finite = [value for value in losses if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) > LOG_RANGE * min(finite):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def _note_kept(axes: Axes, records: Sequence[Epoch], kept_epoch: int | None) -> None:
    for record in records:
        if record.epoch == kept_epoch:
            axes.axvline(record.epoch, color=RATE_COLOR, linewidth=0.8, linestyle="--", zorder=0)
            axes.set_title(
                f"kept: epoch {record.epoch}, validation accuracy {record.validation_accuracy:.2%}",
                fontsize="medium",
                loc="left",
            )


def write_curves(records: Sequence[Epoch], path: str, kept_epoch: int | None = None) -> None:
    """Writes the curves as a PNG file, in one step; `kept_epoch` is the one whose weights stay.

    Raises:
      DataError: the file cannot be written.
    """
    write_png(curves_figure(records, kept_epoch), path)
