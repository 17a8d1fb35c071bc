"""The curves of a training run: loss, accuracy and learning rate by epoch."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfinspect.plots.legible import legible
from tfinspect.plots.png import write_png

# From this ratio of the largest to the smallest loss on, the axis is logarithmic.
LOG_RANGE = 50
# From this ratio of two stages' rates on, theirs is.
RATE_RANGE = 20
# Of that axis, beside 0.
_TICKS = 4
# What a small letter takes of the width, and the letters of a name that are shown.
_LETTER, _LONGEST_NAME = 0.015, 32
# A stage's first epoch, 1 for the run's first, and its name.
Stage = tuple[int, str]
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


def curves_figure(
    records: Sequence[Epoch], kept_epoch: int | None = None, stages: Sequence[Stage] = ()
) -> Figure:
    """Draws loss, accuracy and learning rate, one panel each, over the epochs.

    Args:
      records: of the epochs.
      kept_epoch: the one whose weights were kept is named and marked; None marks none.
      stages: of a run in several, each is marked where it begins, and named.
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
    _scale_rate(rate, records, stages)
    rate.set_xlim(0.5, max(epochs, default=1) + 0.5)
    rate.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _note_kept(accuracy, records, kept_epoch)
    _name_stages(loss, stages, len(records))
    for axes in (loss, accuracy, rate):
        for first, _ in stages[1:]:
            axes.axvline(first - 0.5, color=RATE_COLOR, linewidth=0.8, zorder=0)
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


def _scale_rate(axes: Axes, records: Sequence[Epoch], stages: Sequence[Stage]) -> None:
    """Makes the rate's axis logarithmic where one stage's would be flat beside another's."""
    places = [first for first, _ in stages] or [1]
    peaks = [
        max((one.learning_rate for one in records if first <= one.epoch < end), default=0.0)
        for first, end in zip(places, [*places[1:], math.inf], strict=True)
    ]
    if min(peaks) <= 0 or max(peaks) < RATE_RANGE * min(peaks):
        axes.set_ylim(bottom=0)
        return
    lowest, floor = min(one.learning_rate for one in records), min(peaks) / 100
    if lowest >= floor:
        axes.set_yscale("log")
        axes.set_ylim(bottom=lowest / 2)
        return
    # Schedules end near nothing, which would take up most of the axis: there it is linear.
    axes.set_yscale("symlog", linthresh=floor, linscale=0.5)
    axes.set_ylim(bottom=-floor / 4)
    decades = range(math.ceil(math.log10(floor)), math.floor(math.log10(max(peaks))) + 1)
    axes.set_yticks([0.0, *(10.0**decade for decade in decades[:: -(len(decades) // _TICKS + 1)])])
    axes.minorticks_off()


def _name_stages(axes: Axes, stages: Sequence[Stage], epochs: int) -> None:
    """Writes the stages' names above a panel; slanted where one would run into the next."""
    names = [_shortened(name) for name in drawn_names([name for _, name in stages])]
    ends = [*(first for first, _ in stages[1:]), epochs + 1]
    rooms = [(end - first) / max(epochs, 1) for (first, _), end in zip(stages, ends, strict=False)]
    fits = all(len(n) * _LETTER < room for n, room in zip(names, rooms, strict=True))
    for (first, _), name in zip(stages, names, strict=True):
        axes.annotate(
            name,
            (first - 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 3),
            textcoords="offset points",
            rotation=0 if fits else 30,
            rotation_mode="anchor",
            fontsize="small",
            color=RATE_COLOR,
            # A name is no formula.
            parse_math=False,
        )


def drawn_names(names: Sequence[str]) -> list[str]:
    """Returns stages' names as the picture has them: `stage 2` where the font lacks a letter.

    >>> drawn_names(["head", "明"])
    ['head', 'stage 2']
    """
    return [
        name if shown == name else f"stage {number}"
        for number, (name, shown) in enumerate(zip(names, legible(names), strict=True), start=1)
    ]


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _note_kept(axes: Axes, records: Sequence[Epoch], kept_epoch: int | None) -> None:
    for record in records:
        if record.epoch == kept_epoch:
            axes.axvline(record.epoch, color=RATE_COLOR, linewidth=0.8, linestyle="--", zorder=0)
            axes.set_title(_kept_title(record, records), fontsize="medium", loc="left")


def _kept_title(kept: Epoch, records: Sequence[Epoch]) -> str:
    title = f"kept: epoch {kept.epoch}, validation accuracy {kept.validation_accuracy:.2%}"
    best = max(records, key=lambda record: record.validation_accuracy)
    if best.validation_accuracy <= kept.validation_accuracy:
        return title
    # By the one-standard-error rule.
    return f"{title}\n(highest: {best.validation_accuracy:.2%}, no more than chance above it)"


def write_curves(
    records: Sequence[Epoch],
    path: str,
    kept_epoch: int | None = None,
    stages: Sequence[Stage] = (),
) -> None:
    """Writes the curves, as `curves_figure` draws them, as a PNG file, in one step.

    Raises:
      DataError: the file cannot be written.
    """
    write_png(curves_figure(records, kept_epoch, stages), path)
