"""The role `evaluator`: every checkpoint of a run, measured on the validation split as it appears.

The evaluator is no part of TensorFlow's cluster, nobody waits for it, and it reads what the chief
writes. It writes `evaluator/metrics.csv` and `events/evaluator`, and nothing else.
"""

import csv
import io
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfinspect import files
from tfinspect.cluster.rendezvous import answers
from tfinspect.errors import ClusterError, RunError, TrainingInterruptedError
from tfinspect.event_file import EventFile
from tfinspect.training import checkpoints, run_directory
from tfinspect.training.interruption import stop_requests
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory, RunInfo

if TYPE_CHECKING:
    from tfinspect.training.cluster_run import Part

METRICS = "evaluator/metrics.csv"
_COLUMNS = ("step", "examples", "accuracy", "top5", "loss", "auroc", "ece")
_AVERAGE = "ExponentialMovingAverage"
_POLL_SECONDS = 0.5
# The chief is gone when it has not answered for so long: TensorFlow takes a while to start.
GONE_SECONDS = 30.0


def follow(part: "Part") -> None:
    """Evaluates a run's checkpoints until the run is finished.

    Raises:
      ClusterError: the run never began, or its chief is gone before it was finished.
      TrainingInterruptedError: a signal asked for the end.
      RunError, DataError: the run's checkpoints or data cannot be read.
    """
    with stop_requests() as stop:
        watch = _Watch(part, part.timeout)
        while not os.path.exists(os.path.join(part.output, "config.json")):
            watch.look(stop.requested)
        info = run_directory.open_run(part.output)
        evaluator = _Evaluator(info)
        part.observer.on_phase(f"{part.cluster.name} evaluates the checkpoints of '{part.output}'")
        watch = _Watch(part, min(GONE_SECONDS, part.timeout))
        while True:
            # Asked before the checkpoints are listed, so that the last one is not missed.
            finished = os.path.exists(info.directory.file("result.json"))
            for row in evaluator.evaluate_new():
                part.observer.on_phase(
                    f"step {row['step']}: validation accuracy {row['accuracy']:.2%}, "
                    f"loss {row['loss']:.4f}"
                )
            if finished:
                return
            watch.look(stop.requested)


@dataclass
class _Watch:
    """Whether anybody trains: the chief answers on its address."""

    part: "Part"
    patience: float

    def __post_init__(self) -> None:
        self.answered = time.monotonic()

    def look(self, stop_requested: bool) -> None:
        """Waits a moment.

        Raises:
          ClusterError, TrainingInterruptedError: as `follow` says.
        """
        cluster, output = self.part.cluster, self.part.output
        if stop_requested:
            raise TrainingInterruptedError(
                f"{cluster.name} stopped; start it again with `tfinspect train --resume --output "
                f"{output}`, with the others or while they train."
            )
        if answers(cluster.address_of(cluster.leader)):
            self.answered = time.monotonic()
        elif time.monotonic() - self.answered > self.patience:
            raise ClusterError(
                f"{cluster.leader} ({cluster.address_of(cluster.leader)}) has not answered for "
                f"{self.patience:g} s and the run in '{output}' is not finished; start every "
                "process again, with --resume if there is a backup."
            )
        time.sleep(_POLL_SECONDS)


class _Evaluator:
    def __init__(self, info: RunInfo) -> None:
        from tfinspect.model.slim import from_network
        from tfinspect.nets.slim_model import SlimModel

        self.run, self.data = info.directory, data_of(info)
        spec = info.spec()
        self.network = SlimModel(spec, info.num_classes, compute_dtype=info.compute_dtype)
        self.network.build_variables()
        self.model = from_network(self.network, labels=info.labels)
        self.rows = _read(self.run)
        self.events: EventFile | None = None

    def evaluate_new(self) -> list[dict[str, Any]]:
        """Measures the checkpoints that are there and were not measured yet; returns their rows."""
        seen = {row["step"] for row in self.rows}
        found = []
        for prefix in checkpoints.stored(self.run.checkpoints):
            step = int(prefix.rpartition("-")[2])
            if step not in seen and self._load(prefix):
                found.append(self._measure(step))
        return found

    def _load(self, prefix: str) -> bool:
        """Loads a checkpoint; False where the run has deleted it by now."""
        try:
            values = checkpoints.restore(prefix, self.network)
        except RunError:
            if prefix in checkpoints.stored(self.run.checkpoints):
                raise
            return False
        # Moving averages of the weights are evaluated in their place, as training does.
        for name, variable in self.network.variables_by_name().items():
            if (average := values.get(f"{name}/{_AVERAGE}")) is not None:
                variable.assign(average)
        return True

    def _measure(self, step: int) -> dict[str, Any]:
        from tfinspect.training import metrics
        from tfinspect.training.evaluate import logits_of

        logits, labels = logits_of(self.model, *self.data, "validation")
        measured = metrics.measure(logits, labels)
        row = {"step": step, "examples": len(labels)}
        row |= {name: getattr(measured, name) for name in _COLUMNS[2:]}
        self.rows.append(row)
        _write(self.run, self.rows)
        if self.events is None:
            self.events = EventFile(self.run.file("events/evaluator"))
        for name in ("accuracy", "loss"):
            self.events.scalar(name, row[name], step)
        self.events.flush()
        return row


def _read(run: RunDirectory) -> list[dict[str, Any]]:
    """Returns what an evaluator before has measured."""
    if not files.exists(run.file(METRICS)):
        return []
    with files.open_file(run.file(METRICS), "r") as stream:
        return [row | {"step": int(row["step"])} for row in csv.DictReader(stream)]


def _write(run: RunDirectory, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.make_directory(run.file("evaluator"))
    with files.writing(run.file(METRICS), "w") as stream:
        stream.write(text.getvalue())
