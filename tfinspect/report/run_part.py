"""The parts of the page that a training run tells: its curves and its configuration."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from tfinspect.report import charts
from tfinspect.training.config import DEFAULT_EPOCHS
from tfinspect.training.progress import EpochRecord, Progress
from tfinspect.training.run_directory import RunInfo, open_run

# Title, plain description, factor, and per line its CSS class and field of the epoch's record.
_CHARTS = (
    ("Loss (nats)", "Loss by epoch", 1, (("train", "loss"), ("validation", "validation_loss"))),
    (
        "Accuracy (%)",
        "Accuracy by epoch",
        100,
        (("train", "accuracy"), ("validation", "validation_accuracy")),
    ),
    ("Learning rate", "Learning rate by epoch", 1, (("train", "learning_rate"),)),
)
# Settings that say nothing unless another one has this value.
_DEPENDENT = {"boundaries": ("schedule", "piecewise"), "warmup_epochs": ("schedule", "cosine")}
# Of one stage's rates to another's, as in the run's own picture.
_SHOWN_RANGE = 100


def is_run(path: str) -> bool:
    """Says whether a path is a directory that `tfinspect train` wrote."""
    return os.path.isfile(os.path.join(path, "config.json"))


def run_part(path: str) -> dict[str, Any]:
    """Returns the curves and settings of a run as `page.render` takes them.

    Raises:
      RunError: the run's description or state is broken.
    """
    info = open_run(path)
    records = Progress.read(info.directory).records
    return {
        "kind": f"training run of {info.network}",
        "results": _results(info, records),
        "curves": _curves(records, _first_epochs(info, records)),
        "settings": _settings(info),
    }


def _results(info: RunInfo, records: Sequence[EpochRecord]) -> list[tuple[str, str]]:
    if not records:
        return []
    best = max(record.validation_accuracy for record in records)
    results = [("Epochs", str(records[-1].epoch)), ("Validation accuracy", f"{best:.2%}")]
    if os.path.exists(info.directory.file("result.json")):
        tested = info.directory.read_json("result.json").get("test_accuracy")
        results += [] if tested is None else [("Test accuracy", f"{tested:.2%}")]
    return results


def _first_epochs(info: RunInfo, records: Sequence[EpochRecord]) -> list[int]:
    """Returns the first epochs of a fine-tuning's stages; 1 alone for a run without."""
    stored = info.directory.read_json("config.json").get("transfer", {}).get("stages")
    if not stored:
        return [1]
    from tfinspect.transfer.stage_progress import first_epochs
    from tfinspect.transfer.stages import stage_from

    stages = [stage_from(one) for one in stored]
    return [first for first, _ in first_epochs(stages, records, info.config.get("patience"))]


def _curves(records: Sequence[EpochRecord], stages: Sequence[int]) -> list[dict[str, Any]]:
    epochs = [float(record.epoch) for record in records]
    drawn = []
    for title, label, factor, lines in _CHARTS:
        series = [(name, [factor * getattr(one, key) for one in records]) for name, key in lines]
        axis: dict[str, Any] = {"logarithmic": False} if factor != 1 else {}
        if lines[0][1] == "learning_rate":
            axis = _rate_axis(records, stages)
        chart = charts.line_chart(epochs, series, label=label, **axis)
        if chart:
            drawn.append({"title": title, "chart": Markup(chart)})
    return drawn


def _rate_axis(records: Sequence[EpochRecord], stages: Sequence[int]) -> dict[str, Any]:
    """Returns an axis from 0, or where one stage's rates would be flat beside another's, none."""
    from tfinspect.plots.curves import RATE_RANGE

    ends = [*stages[1:], math.inf]
    peaks = [
        max((one.learning_rate for one in records if first <= one.epoch < end), default=0.0)
        for first, end in zip(stages, ends, strict=True)
    ]
    lowest = min(peaks, default=0.0)
    if lowest <= 0 or max(peaks) < RATE_RANGE * lowest:
        return {"logarithmic": False, "least": 0.0}
    # Schedules end near nothing, which would take up most of the axis.
    return {"logarithmic": True, "least": lowest / _SHOWN_RANGE}


def _settings(info: RunInfo) -> list[tuple[str, str]]:
    fixed = [("network", info.network), ("classes", ", ".join(info.labels))]
    in_force = info.directory.read_json("config.json").get("learning_rate_in_force")
    config = info.config | ({"learning_rate": in_force} if in_force is not None else {})
    staged = "head_epochs" in config
    if not staged and config.get("epochs") is None and config.get("steps") is None:
        config = config | {"epochs": DEFAULT_EPOCHS}
    return fixed + [
        (name.replace("_", " "), _worded(value))
        for name, value in config.items()
        if _says_something(name, config)
    ]


def _says_something(name: str, config: Mapping[str, Any]) -> bool:
    if name in ("epochs", "steps"):
        return config[name] is not None
    other, value = _DEPENDENT.get(name, ("", None))
    return other not in config or config[other] == value


def _worded(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else str(value)
