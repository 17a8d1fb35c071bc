"""The parts of the page that a training run tells: its curves and its configuration."""

import os
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from tfinspect.report import charts
from tfinspect.training.progress import EpochRecord, Progress
from tfinspect.training.run_directory import RunInfo, open_run

# Title, plain description, and per line its CSS class and field of the epoch's record.
_CHARTS = (
    ("Loss (nats)", "Loss by epoch", (("train", "loss"), ("validation", "validation_loss"))),
    (
        "Accuracy (0 to 1)",
        "Accuracy by epoch",
        (("train", "accuracy"), ("validation", "validation_accuracy")),
    ),
    ("Learning rate", "Learning rate by epoch", (("train", "learning_rate"),)),
)


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
        "curves": _curves(records),
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


def _curves(records: Sequence[EpochRecord]) -> list[dict[str, Any]]:
    epochs = [float(record.epoch) for record in records]
    drawn = []
    for title, label, lines in _CHARTS:
        series = [(name, [getattr(one, field) for one in records]) for name, field in lines]
        chart = charts.line_chart(epochs, series, label=label)
        if chart:
            drawn.append({"title": title, "chart": Markup(chart)})
    return drawn


def _settings(info: RunInfo) -> list[tuple[str, str]]:
    fixed = [("network", info.network), ("classes", ", ".join(info.labels))]
    in_force = info.directory.read_json("config.json").get("learning_rate_in_force")
    config = info.config | ({"learning_rate": in_force} if in_force is not None else {})
    return fixed + [(name.replace("_", " "), _worded(value)) for name, value in config.items()]


def _worded(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else str(value)
