"""What is wrong with stored values: broken, non-finite, constant, exploding, dead, duplicated.

Every finding names one variable; values are read one tensor at a time.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.stats import Buffers, VariableStats, has_numbers, require_values, value_stats

if TYPE_CHECKING:
    import numpy as np

# No weight, moving average or slot of a network that works is so large.
EXPLODING = 1e6
# A channel whose scale or variance is below this passes nothing on.
DEAD = 1e-6
_CHANNEL_SCALES = ("gamma", "moving_variance")
_MOST_NAMED = 5
# Elements that are looked at together.
_PART = 1 << 18


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

    Raises:
      ArtifactError: there are no values at all, as in a graph without its checkpoint.
    """
    if entries is None:
        entries = (entry for entry in artifact.variables if not entry.slot)
    entries = list(entries)
    require_values(artifact, entries)
    buffers = Buffers()
    for entry in entries:
        try:
            value = artifact.read(entry.name)
        except ArtifactError as error:
            yield Finding(entry.name, "unreadable", entry.parameters, str(error))
            continue
        if has_numbers(entry):
            yield from value_findings(entry, value, buffers)


def value_findings(
    entry: VariableEntry, value: "np.ndarray", buffers: Buffers | None = None
) -> Iterator[Finding]:
    """Yields the findings of one value of numbers; `buffers` as in `value_stats`."""
    stats = value_stats(value, buffers)
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
        count = _counted(value, lambda part: abs(part) > EXPLODING)
        yield Finding(name, "exploding", count, f"the largest magnitude is {largest:.4g}")
    denormal = _denormals(value)
    if denormal:
        yield Finding(name, "denormal", denormal, "values below the type's smallest normal number")


def _denormals(value: "np.ndarray") -> int:
    import numpy as np

    if value.dtype.kind != "f":
        return 0
    smallest = np.finfo(value.dtype).tiny
    return _counted(value, lambda part: (abs(part) < smallest) & (part != 0))


def _counted(value: "np.ndarray", condition: "Callable[[np.ndarray], np.ndarray]") -> int:
    """Counts the elements that meet a condition, in parts that take little memory."""
    import numpy as np

    flat = value.reshape(-1)
    starts = range(0, flat.size, _PART)
    return sum(int(np.count_nonzero(condition(flat[at : at + _PART]))) for at in starts)


def _dead_channels(name: str, value: "np.ndarray") -> Iterator[Finding]:
    import numpy as np

    kind = name.rpartition("/")[2]
    if kind in _CHANNEL_SCALES and value.ndim == 1:
        dead = np.flatnonzero(abs(value.astype(np.float32)) < DEAD)
        if dead.size:
            detail = f"{kind} is near zero in channels {_listed(dead)}"
            yield Finding(name, "dead channels", dead.size, detail)


def _duplicates(name: str, value: "np.ndarray") -> Iterator[Finding]:
    filters = _filters(name, value)
    if filters is None:
        return
    pairs = [f"{place} equals {first}" for place, first in duplicate_filters(filters)]
    if pairs:
        detail = ", ".join(pairs[:_MOST_NAMED]) + (", …" if len(pairs) > _MOST_NAMED else "")
        yield Finding(name, "duplicate filters", len(pairs), f"filter {detail}")


def duplicate_filters(filters: "np.ndarray") -> list[tuple[int, int]]:
    """Returns (place, place of the first equal one) of filters `[filters, inputs]`.

    Equal bytes are equal filters; zero filters are dead, not copies of each other.
    """
    import numpy as np

    seen: dict[bytes, int] = {}
    pairs = []
    step = max(1, _PART // filters.shape[1])
    for start in range(0, len(filters), step):
        # A part at a time: the rows are columns of the stored value, and are copied.
        part = np.ascontiguousarray(filters[start : start + step])
        rows = part.view(np.uint8).reshape(len(part), -1)
        for place, row in enumerate(rows, start):
            first = seen.setdefault(hashlib.blake2b(row.data, digest_size=32).digest(), place)
            if first != place and filters[place].any():
                pairs.append((place, first))
    return pairs


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
