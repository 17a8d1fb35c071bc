"""How far a run has come: its epochs so far, its best step, and what `--resume` needs to go on."""

import csv
import dataclasses
import io
from dataclasses import dataclass, field
from typing import Any

from tfinspect import files
from tfinspect.errors import RunError
from tfinspect.training import checkpoints
from tfinspect.training.run_directory import RunDirectory


@dataclass(frozen=True)
class EpochRecord:
    """One line of `metrics.csv`."""

    # 1 for the first.
    epoch: int
    # Optimizer steps since the start of the run.
    step: int
    # Rate of the epoch's last step.
    learning_rate: float
    # Means over the epoch's examples; the loss holds the L2 terms, the accuracy lies in 0..1.
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    # Training alone, without validation and checkpoints.
    images_per_second: float
    seconds: float

    def line(self, total: int) -> str:
        """Words the epoch, of `total` ones, in one line."""
        return (
            f"epoch {self.epoch:>{len(str(total))}}/{total}  loss {self.loss:.4f}  "
            f"accuracy {self.accuracy:7.2%}  validation {self.validation_accuracy:7.2%}  "
            f"{self.images_per_second:5.0f} images/s"
        )


@dataclass(frozen=True)
class Means:
    """Means over the examples of the first steps of an epoch that is not finished."""

    examples: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    seconds: float = 0.0

    def joined(self, later: "Means") -> "Means":
        """Returns the means over both parts of the epoch."""
        examples = self.examples + later.examples
        if not examples:
            return self

        def mean(first: float, second: float) -> float:
            return (first * self.examples + second * later.examples) / examples

        return Means(
            examples,
            mean(self.loss, later.loss),
            mean(self.accuracy, later.accuracy),
            self.seconds + later.seconds,
        )


@dataclass
class Progress:
    """The state of a run between two steps, apart from its tensors."""

    step: int = 0
    # Path, relative to the run, of the checkpoint that belongs to `step`; empty before the first.
    checkpoint: str = ""
    # The kept epoch, and the highest validation accuracy of any: `selection` says why they differ.
    best_step: int = 0
    best_accuracy: float = -1.0
    highest_accuracy: float = -1.0
    finished: bool = False
    # Of the examples, as `epoch_order` words it; empty where any number of processes has the same.
    epoch_order: str = ""
    unfinished: Means = field(default_factory=Means)
    records: list[EpochRecord] = field(default_factory=list)

    def write(self, run: RunDirectory) -> None:
        """Writes `backup/state.json` and `metrics.csv`, each in one rename."""
        with checkpoints.naming_last_good(run.checkpoints):
            self._write_metrics(run)
            run.write_json("backup/state.json", dataclasses.asdict(self))

    def _write_metrics(self, run: RunDirectory) -> None:
        names = [one.name for one in dataclasses.fields(EpochRecord)]
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(record) for record in self.records)
        with files.writing(run.file("metrics.csv"), "w") as stream:
            stream.write(text.getvalue())

    @classmethod
    def read(cls, run: RunDirectory) -> "Progress":
        """Reads the state back; a run that was broken off before its first backup starts anew."""
        if not files.exists(run.state):
            return cls()
        stored: dict[str, Any] = run.read_json("backup/state.json")
        try:
            return cls.from_dict(stored)
        except (KeyError, TypeError) as error:
            raise RunError(
                f"'{run.state}' is not of this version of tfinspect ({error}); start a new run."
            ) from error

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Progress":
        """Returns the state that `dataclasses.asdict` described."""
        return cls(
            **stored
            | {
                "unfinished": Means(**stored["unfinished"]),
                "records": [EpochRecord(**record) for record in stored["records"]],
            }
        )
