"""Statistics of stored values, streamed: a process has one tensor at a time.

It is gone through in parts that fit a cache.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from tfinspect.artifacts import Artifact
from tfinspect.artifacts.file_part import Room
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.forked import shared_out
from tfinspect.vector_sums import PART, Buffers, inner_product, scale_of, total

if TYPE_CHECKING:
    import numpy as np

_CANCELLED = 1e-3
# Squares of what is smaller lose digits, and in the end vanish.
_TINY = 1e-100
_COLUMNS = ("min", "max", "mean", "std", "norm", "zeros", "nan", "inf")
_NO_NUMBERS = ("string", "resource", "variant", "complex64", "complex128")


@dataclass(frozen=True)
class VariableStats:
    """What the values of one variable are like.

    Attributes:
      min, max, mean, std, norm: of the finite values; None where there are none. `std` divides by
        the number of values, `norm` is the Euclidean one.
      zeros: share of values that are exactly zero.
      nan, inf: how many values are not a number, or infinite.
      broken: why the value could not be read; None where it could, or is of a kind without numbers.
    """

    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    norm: float | None = None
    zeros: float | None = None
    nan: int | None = None
    inf: int | None = None
    broken: str | None = None


class _Sums:
    """Running statistics; parts are merged after Chan, Golub and LeVeque (1979)."""

    def __init__(self, buffers: Buffers, scale: float) -> None:
        self.count = self.finite = self.zeros = self.nan = self.inf = 0
        self.min: float = math.inf
        self.max: float = -math.inf
        self.mean = self.deviation = 0.0
        self._buffers, self._scale = buffers, scale

    def add(self, part: "np.ndarray") -> None:
        """Adds a vector of at most PART numbers of any type."""
        import numpy as np

        part = self._aligned(part)
        wide, flags = self._buffers.first[: part.size], self._buffers.flags[: part.size]
        np.copyto(wide, part, casting="unsafe")
        self.count += part.size
        # The narrow type is faster to search, but types outside NumPy cannot all be compared.
        narrow = part if part.dtype.kind in "fiu" else wide
        self.zeros += int(np.count_nonzero(np.equal(narrow, 0, out=flags)))
        low, high = _bounds(narrow)
        if not (math.isfinite(low) and math.isfinite(high)):
            self.nan += int(np.count_nonzero(np.isnan(wide)))
            self.inf += int(np.count_nonzero(np.isinf(wide)))
            wide = wide[np.isfinite(wide)]
            if wide.size == 0:
                return
            low, high = _bounds(wide)
        self.min, self.max = min(self.min, low), max(self.max, high)
        if self._scale != 1:
            wide *= self._scale
        self._merge(wide)

    def _aligned(self, part: "np.ndarray") -> "np.ndarray":
        """Returns a part that lies as its type wants it: searching is then faster by far."""
        import numpy as np

        if part.flags.aligned:
            return part
        room = self._buffers.second.view(part.dtype)[: part.size]
        np.copyto(room, part)
        return room

    def _merge(self, wide: "np.ndarray") -> None:
        mean = total(wide) / wide.size
        squares = inner_product(wide, wide)
        deviation = squares - wide.size * mean * mean
        # The difference of two large numbers is only good while they differ.
        if deviation < _CANCELLED * squares:
            wide -= mean
            deviation = inner_product(wide, wide)
        finite = self.finite + wide.size
        difference = mean - self.mean
        self.deviation += deviation + difference * difference * self.finite * wide.size / finite
        self.mean += difference * wide.size / finite
        self.finite = finite

    def largest(self) -> float:
        """Returns the largest magnitude of the finite values, 0 without any."""
        return float(max(abs(self.min), abs(self.max))) if self.finite else 0.0

    def result(self) -> VariableStats:
        """Returns the statistics of everything that was added."""
        counted = {
            "zeros": self.zeros / self.count if self.count else None,
            "nan": self.nan,
            "inf": self.inf,
        }
        if not self.finite:
            return VariableStats(**counted)  # type: ignore[arg-type]
        return VariableStats(
            min=self.min,
            max=self.max,
            mean=self.mean / self._scale,
            std=math.sqrt(self.deviation / self.finite) / self._scale,
            norm=math.sqrt(self.deviation + self.finite * self.mean * self.mean) / self._scale,
            **counted,  # type: ignore[arg-type]
        )


def _bounds(values: "np.ndarray") -> tuple[float, float]:
    return values.min().item(), values.max().item()


def value_stats(value: "np.ndarray", buffers: Buffers | None = None) -> VariableStats:
    """Computes the statistics of an array of integers, booleans or floats of any width.

    Args:
      value: the array.
      buffers: kept by a caller with many values; None for new ones.
    """
    flat = value.reshape(-1)
    buffers = buffers or Buffers(min(PART, flat.size))
    sums = _added(flat, _Sums(buffers, 1.0))
    if not math.isfinite(sums.deviation) or 0 < sums.largest() < _TINY:
        sums = _added(flat, _Sums(buffers, scale_of(sums.largest())))
    return sums.result()


def _added(flat: "np.ndarray", sums: _Sums) -> _Sums:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, PART):
            sums.add(flat[start : start + PART])
    return sums


def has_numbers(entry: VariableEntry) -> bool:
    """Tells whether a variable has values of which there are statistics."""
    return entry.readable and entry.dtype not in _NO_NUMBERS


def require_values(artifact: Artifact, entries: Sequence[VariableEntry]) -> None:
    """Refuses variables of which no single one has a value to be read.

    Raises:
      ArtifactError: there are some, and none is readable; the first one's reason is in the message.
    """
    if entries and not any(entry.readable for entry in entries):
        reason = artifact.why_unreadable(entries[0])
        raise ArtifactError(
            f"none of the {len(entries):,} variables has a value that can be read: {reason}"
        )


def without_statistics(entries: Sequence[VariableEntry]) -> str | None:
    """Words how many readable variables have no statistics, and of what types; None for none."""
    left_out = [entry for entry in entries if entry.readable and not has_numbers(entry)]
    if not left_out:
        return None
    types = ", ".join(sorted({entry.dtype for entry in left_out}))
    return (
        f"{len(left_out):,} of {len(entries):,} variables have no statistics and were not looked "
        f"at: they are {types}."
    )


def variable_stats(
    artifact: Artifact, entries: Iterable[VariableEntry], *, processes: int | None = 1
) -> Iterator[tuple[VariableEntry, VariableStats]]:
    """Yields each variable with its statistics, in order; each process reads one at a time.

    Strings, complex numbers and what cannot be read have all statistics None; of a value that is
    broken, such as one with a wrong checksum, `broken` says what is wrong.

    Args:
      artifact: where they are.
      entries: which ones.
      processes: as in `tfinspect.diff`.

    Raises:
      ArtifactError: there is no value of any variable.
    """
    entries = list(entries)
    require_values(artifact, entries)
    buffers, room = Buffers(), Room()
    outcomes = shared_out(
        lambda number: astuple(_stats_of(artifact, entries[number], buffers, room)),
        [entry.bytes for entry in entries],
        processes,
    )
    for entry, outcome in zip(entries, outcomes, strict=True):
        yield entry, VariableStats(*outcome)  # type: ignore[arg-type]


def _stats_of(
    artifact: Artifact, entry: VariableEntry, buffers: Buffers, room: Room
) -> VariableStats:
    if artifact.is_lost(entry):
        return VariableStats(broken=artifact.why_unreadable(entry))
    if not has_numbers(entry):
        return VariableStats()
    try:
        value = artifact.read(entry.name, room)
    except ArtifactError as error:
        return VariableStats(broken=str(error))
    return value_stats(value, buffers)


def stats_row(stats: VariableStats) -> dict[str, Any]:
    """Returns the columns that `list-vars --stats` adds; their keys are stable."""
    return {name: getattr(stats, name) for name in _COLUMNS}
