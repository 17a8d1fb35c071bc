"""What became of every variable when a network was filled from an artifact."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

LOADED = "loaded"
RE_INITIALISED = "re-initialised"
SHAPE_MISMATCH = "shape mismatch"
DTYPE_MISMATCH = "dtype mismatch"
MISSING = "missing"
UNUSED = "unused"
# In the order of the summary.
STATUSES = (LOADED, RE_INITIALISED, SHAPE_MISMATCH, DTYPE_MISMATCH, MISSING, UNUSED)
FAILED = (SHAPE_MISMATCH, DTYPE_MISMATCH, MISSING)
# How a summary words `loaded` of what was only compared.
_PLANNED = "would be loaded"
# Detail of an unused optimizer slot.
SLOT = "optimizer slot or moving average"
# Rule of a classifier that nobody has excluded: the data have classes of their own.
NEW_CLASSIFIER = "new classifier"

Shape = tuple[int, ...] | None


@dataclass(frozen=True)
class LoadRow:
    """One variable of the network, or one of the artifact that the network has no use for.

    Attributes:
      name: of the network's variable; of the artifact's where the status is `unused`.
      status: one of STATUSES.
      rule: which rule decided: `same name`, `rename …`, `moving average`, `exclude scope …`,
        `new classifier`.
      source: the artifact's variable that was taken or compared; None where there is none.
      shape: of the network's variable; None where the status is `unused`.
      stored_shape: of the artifact's variable; None where there is none.
      parameters: elements of the variable.
      detail: more, in words.
    """

    name: str
    status: str
    rule: str
    source: str | None
    shape: Shape
    stored_shape: Shape
    parameters: int
    detail: str = ""

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `--report` writes; its keys are stable."""
        return asdict(self)


@dataclass(frozen=True)
class LoadReport:
    """One row per variable, and where the values came from.

    Attributes:
      network: name of the network.
      source: path of the artifact.
      rows: the network's variables in their order, then the unused ones in the artifact's.
      done: whether the values were loaded; else the status `loaded` says what would be.
    """

    network: str
    source: str
    rows: tuple[LoadRow, ...]
    done: bool = False

    def having(self, *statuses: str) -> list[LoadRow]:
        """Returns the rows of one status or several."""
        return [row for row in self.rows if row.status in statuses]

    @property
    def failed(self) -> list[LoadRow]:
        """The variables that should have been loaded and could not be."""
        return self.having(*FAILED)

    def counts(self) -> dict[str, int]:
        """Returns how many rows have each status, without those that have none."""
        counted = Counter(row.status for row in self.rows)
        return {status: counted[status] for status in STATUSES if counted[status]}

    def summary(self) -> str:
        """Words the report in one line."""
        loaded = sum(row.parameters for row in self.having(LOADED))
        parts = [f"{count:,} {self.worded(status)}" for status, count in self.counts().items()]
        listed = ", ".join(parts) or "no variables"
        parameters = f"{loaded:,} parameters {self.worded(LOADED)}"
        return f"{self.network} from {self.source}: {listed}; {parameters}."

    def worded(self, status: str) -> str:
        """Words a status for people."""
        return _PLANNED if status == LOADED and not self.done else status

    def records(self, *, whole: bool = True) -> list[dict[str, Any]]:
        """Returns flat records: of every row, or without those loaded by the same name."""
        return [row.row() for row in self.rows if whole or row.rule != "same name"]


def parameters(shape: Sequence[int] | None) -> int:
    """Returns the number of elements; 0 for an unknown shape."""
    count = 1
    for size in shape or ():
        count *= size
    return count if shape is not None else 0
