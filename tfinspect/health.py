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
from tfinspect.stats import VariableStats, has_numbers, require_values, value_stats
from tfinspect.vector_sums import Buffers

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
        `duplicate filters`, `dead filters` or `dead channels`.
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
            layer = artifact.layer_classes.get(entry.name, "")
            yield from value_findings(entry, value, buffers, layer)


def value_findings(
    entry: VariableEntry, value: "np.ndarray", buffers: Buffers | None = None, layer: str = ""
) -> Iterator[Finding]:
    """Yields the findings of one value of numbers.

    Args:
      entry: the variable.
      value: its value.
      buffers: as in `value_stats`.
      layer: class of its layer, as in `Artifact.layer_classes`; empty if not known.
    """
    stats = value_stats(value, buffers)
    yield from _non_finite(entry.name, stats, value.size)
    if value.size > 1 and stats.min == stats.max and not (stats.nan or stats.inf):
        finding = "constant" if stats.min else "all zero"
        yield Finding(entry.name, finding, value.size, f"every value is {stats.min:.6g}")
        return
    if _is_float(entry):
        yield from _magnitudes(entry.name, value, stats)
        yield from _dead_channels(entry.name, value)
        filters = _filters(entry.name, value, layer)
        if filters is not None:
            yield from _dead_filters(entry.name, filters)
            yield from _duplicates(entry.name, filters)


def _is_float(entry: VariableEntry) -> bool:
    return "float" in entry.dtype


def _non_finite(name: str, stats: VariableStats, size: int) -> Iterator[Finding]:
    for finding, count in (("nan", stats.nan), ("inf", stats.inf)):
        if count:
            yield Finding(name, finding, count, f"{count:,} of {size:,} values")


def _magnitudes(name: str, value: "np.ndarray", stats: VariableStats) -> Iterator[Finding]:
    largest = max(abs(stats.min or 0.0), abs(stats.max or 0.0))
    if largest > EXPLODING:
        count = _counted(value, _exploding)
        yield Finding(name, "exploding", count, f"the largest magnitude is {largest:.4g}")
    denormal = _denormals(value)
    if denormal:
        yield Finding(name, "denormal", denormal, "values below the type's smallest normal number")


def _exploding(part: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return (abs(part) > EXPLODING) & np.isfinite(part)


def _denormals(value: "np.ndarray") -> int:
    from ml_dtypes import finfo

    # To floats of eight bits the small steps below the smallest normal number belong.
    if value.dtype.itemsize == 1:
        return 0
    smallest = finfo(value.dtype).smallest_normal  # type: ignore[no-untyped-call]
    return _counted(value, lambda part: (abs(part) < smallest) & (part != 0))


def _counted(value: "np.ndarray", condition: "Callable[[np.ndarray], np.ndarray]") -> int:
    """Counts the elements that meet a condition, in parts that take little memory."""
    import numpy as np

    flat = value.reshape(-1)
    starts = range(0, flat.size, _PART)
    with np.errstate(invalid="ignore"):
        return sum(int(np.count_nonzero(condition(flat[at : at + _PART]))) for at in starts)


def _dead_channels(name: str, value: "np.ndarray") -> Iterator[Finding]:
    import numpy as np

    kind = name.rpartition("/")[2]
    if kind in _CHANNEL_SCALES and value.ndim == 1:
        dead = np.flatnonzero(abs(value.astype(np.float32)) < DEAD)
        if dead.size:
            detail = f"{kind} is near zero in channels {_listed(dead)}"
            yield Finding(name, "dead channels", dead.size, detail)


def _dead_filters(name: str, filters: "np.ndarray") -> Iterator[Finding]:
    dead = dead_filters(filters)
    if dead.size:
        detail = f"all weights are near zero in filters {_listed(dead)}"
        yield Finding(name, "dead filters", dead.size, detail)


def dead_filters(filters: "np.ndarray") -> "np.ndarray":
    """Returns the places of dead filters among `[filters, inputs]`, int `[D]`.

    Finite ones whose norm is below a millionth of the median of all that are not zero; all zero
    ones where every filter is.
    """
    import numpy as np

    norms, finite = np.zeros(len(filters)), np.zeros(len(filters), bool)
    step = max(1, _PART // filters.shape[1])
    for start in range(0, len(filters), step):
        part = filters[start : start + step].astype(np.float64)
        whole = np.isfinite(part)
        finite[start : start + step] = whole.all(axis=1)
        norms[start : start + step] = np.linalg.norm(np.where(whole, part, 0), axis=1)
    positive = norms[norms > 0]
    least = DEAD * float(np.median(positive)) if positive.size else 0.0
    return np.flatnonzero((norms <= least) & finite)


def _duplicates(name: str, filters: "np.ndarray") -> Iterator[Finding]:
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


def _filters(name: str, value: "np.ndarray", layer: str) -> "np.ndarray | None":
    """Returns the filters of a kernel as rows `[filters, inputs]`; None for no kernel."""
    if value.ndim < 2 or value.size == 0:
        return None
    if layer.endswith("_transpose"):
        value = value.swapaxes(-1, -2)
    depthwise = "depthwise" in name.rpartition("/")[2] or layer.startswith("depthwise")
    kept = 2 if depthwise and value.ndim > 2 else 1
    columns = 1
    for size in value.shape[-kept:]:
        columns *= size
    rows = value.reshape(-1, columns).T
    return rows if rows.shape[1] > 1 else None


def _listed(places: "np.ndarray") -> str:
    shown = ", ".join(str(place) for place in places[:_MOST_NAMED])
    return shown + (", …" if len(places) > _MOST_NAMED else "")
