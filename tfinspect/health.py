"""What is wrong with stored values: broken, non-finite, constant, exploding, dead, duplicated.

Every finding names one variable; values are read one tensor at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.stats import VariableStats, has_numbers, value_stats

if TYPE_CHECKING:
    import numpy as np

# No weight, moving average or slot of a network that works is so large.
EXPLODING = 1e6
# A channel whose scale or variance is below this passes nothing on.
DEAD = 1e-6
_CHANNEL_SCALES = ("gamma", "moving_variance")
_MOST_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one variable.

    Attributes:
      name: the variable.
      finding: `unreadable`, `nan`, `inf`, `all zero`, `constant`, `exploding`, `denormal`,
        `duplicate filters` or `dead channels`.
      count: how many values, filters or channels it concerns.
      detail: more, in words.
    """

    name: str
    finding: str
    count: int
    detail: str

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `list-vars --health` writes; its keys are stable."""
        return asdict(self)


def health(artifact: Artifact, entries: Iterable[VariableEntry] | None = None) -> Iterator[Finding]:
    """Yields the findings of every variable, in the artifact's order.

    Args:
      artifact: an opened artifact.
      entries: the variables to look at; None for all but optimizer slots.
    """
    if entries is None:
        entries = [entry for entry in artifact.variables if not entry.slot]
    for entry in entries:
        try:
            value = artifact.read(entry.name)
        except ArtifactError as error:
            yield Finding(entry.name, "unreadable", entry.parameters, str(error))
            continue
        if has_numbers(entry):
            yield from value_findings(entry, value)


def value_findings(entry: VariableEntry, value: "np.ndarray") -> Iterator[Finding]:
    """Yields the findings of one value of numbers."""
    stats = value_stats(value)
    yield from _non_finite(entry.name, stats)
    if value.size > 1 and stats.min == stats.max and not (stats.nan or stats.inf):
        finding = "constant" if stats.min else "all zero"
        yield Finding(entry.name, finding, value.size, f"every value is {stats.min:.6g}")
        return
    if _is_float(entry):
        yield from _magnitudes(entry.name, value, stats)
        yield from _dead_channels(entry.name, value)
        yield from _duplicates(entry.name, value)


def _is_float(entry: VariableEntry) -> bool:
    return "float" in entry.dtype


def _non_finite(name: str, stats: VariableStats) -> Iterator[Finding]:
    for finding, count in (("nan", stats.nan), ("inf", stats.inf)):
        if count:
            yield Finding(name, finding, count, f"{count:,} values are {finding}")


def _magnitudes(name: str, value: "np.ndarray", stats: VariableStats) -> Iterator[Finding]:
    largest = max(abs(stats.min or 0.0), abs(stats.max or 0.0))
    if largest > EXPLODING:
        import numpy as np

        count = int(np.count_nonzero(abs(value) > EXPLODING))
        yield Finding(name, "exploding", count, f"the largest magnitude is {largest:.4g}")
    denormal = _denormals(value)
    if denormal:
        yield Finding(name, "denormal", denormal, "values below the type's smallest normal number")


def _denormals(value: "np.ndarray") -> int:
    import numpy as np

    if value.dtype.kind != "f":
        return 0
    smallest = np.finfo(value.dtype).tiny
    return int(np.count_nonzero((abs(value) < smallest) & (value != 0)))


def _dead_channels(name: str, value: "np.ndarray") -> Iterator[Finding]:
    import numpy as np

    kind = name.rpartition("/")[2]
    if kind in _CHANNEL_SCALES and value.ndim == 1:
        dead = np.flatnonzero(abs(value.astype(np.float32)) < DEAD)
        if dead.size:
            detail = f"{kind} is near zero in channels {_listed(dead)}"
            yield Finding(name, "dead channels", dead.size, detail)


def _duplicates(name: str, value: "np.ndarray") -> Iterator[Finding]:
    import numpy as np

    filters = _filters(name, value)
    if filters is None:
        return
    # Equal bytes are equal filters; zero filters are dead, not copies of each other.
    rows = np.ascontiguousarray(filters).view(np.uint8).reshape(len(filters), -1)
    seen: dict[bytes, int] = {}
    pairs = []
    for place, row in enumerate(rows):
        first = seen.setdefault(row.tobytes(), place)
        if first != place and filters[place].any():
            pairs.append(f"{place} equals {first}")
    if pairs:
        detail = ", ".join(pairs[:_MOST_NAMED]) + (", …" if len(pairs) > _MOST_NAMED else "")
        yield Finding(name, "duplicate filters", len(pairs), f"filter {detail}")


def _filters(name: str, value: "np.ndarray") -> "np.ndarray | None":
    """Returns the filters of a kernel as rows `[filters, inputs]`; None for no kernel."""
    if value.ndim < 2 or value.size == 0:
        return None
    kept = 2 if "depthwise" in name.rpartition("/")[2] and value.ndim > 2 else 1
    columns = 1
    for size in value.shape[-kept:]:
        columns *= size
    rows = value.reshape(-1, columns).T
    return rows if rows.shape[1] > 1 else None


def _listed(places: "np.ndarray") -> str:
    shown = ", ".join(str(place) for place in places[:_MOST_NAMED])
    return shown + (", …" if len(places) > _MOST_NAMED else "")
