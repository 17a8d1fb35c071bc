"""Statistics of stored values, streamed: one tensor at a time, in parts that fit a core's cache."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry

if TYPE_CHECKING:
    import numpy as np

# Elements of one part: the buffers for it stay in a core's second cache.
_PART = 1 << 15
# BLAS wakes all its threads for a dot product of more than 10,000 elements.
_PIECE = 1 << 13
_CANCELLED = 1e-3
_NO_NUMBERS = ("string", "resource", "variant", "complex64", "complex128")


@dataclass(frozen=True)
class VariableStats:
    """What the values of one variable are like.

    Attributes:
      min, max, mean, std, norm: of the finite values; None where there are none. `std` divides by
        the number of values, `norm` is the Euclidean one.
      zeros: share of values that are exactly zero.
      nan, inf: how many values are not a number, or infinite.
    """

    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    norm: float | None = None
    zeros: float | None = None
    nan: int | None = None
    inf: int | None = None


class _Sums:
    """Running statistics; parts are merged after Chan, Golub and LeVeque (1979)."""

    def __init__(self) -> None:
        import numpy as np

        self.count = self.finite = self.zeros = self.nan = self.inf = 0
        self.min: float = math.inf
        self.max: float = -math.inf
        self.mean = self.deviation = 0.0
        self._wide, self._flags = np.empty(_PART), np.empty(_PART, bool)

    def add(self, part: "np.ndarray") -> None:
        """Adds a vector of at most _PART numbers of any type."""
        import numpy as np

        wide, flags = self._wide[: part.size], self._flags[: part.size]
        np.copyto(wide, part, casting="unsafe")
        self.count += part.size
        self.zeros += int(np.count_nonzero(np.equal(wide, 0, out=flags)))
        low, high = _bounds(part, wide)
        if not (math.isfinite(low) and math.isfinite(high)):
            self.nan += int(np.count_nonzero(np.isnan(wide)))
            self.inf += int(np.count_nonzero(np.isinf(wide)))
            wide = wide[np.isfinite(wide)]
            if wide.size == 0:
                return
            low, high = _bounds(wide, wide)
        self.min, self.max = min(self.min, low), max(self.max, high)
        self._merge(wide)

    def _merge(self, wide: "np.ndarray") -> None:
        mean = float(wide.sum()) / wide.size
        squares = _sum_of_squares(wide)
        deviation = squares - wide.size * mean**2
        # The difference of two large numbers is only good while they differ.
        if deviation < _CANCELLED * squares:
            wide -= mean
            deviation = _sum_of_squares(wide)
        total = self.finite + wide.size
        difference = mean - self.mean
        self.deviation += deviation + difference**2 * self.finite * wide.size / total
        self.mean += difference * wide.size / total
        self.finite = total

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
            mean=self.mean,
            std=math.sqrt(self.deviation / self.finite),
            norm=math.sqrt(self.deviation + self.finite * self.mean**2),
            **counted,  # type: ignore[arg-type]
        )


def _sum_of_squares(wide: "np.ndarray") -> float:
    pieces = (wide[start : start + _PIECE] for start in range(0, wide.size, _PIECE))
    return sum(float(piece @ piece) for piece in pieces)


def _bounds(part: "np.ndarray", wide: "np.ndarray") -> tuple[float, float]:
    # The narrow type is faster to search, but types outside NumPy cannot all be compared.
    values = part if part.dtype.kind in "fiu" else wide
    return values.min().item(), values.max().item()


def value_stats(value: "np.ndarray") -> VariableStats:
    """Computes the statistics of an array of integers, booleans or floats of any width."""
    sums, flat = _Sums(), value.reshape(-1)
    for start in range(0, flat.size, _PART):
        sums.add(flat[start : start + _PART])
    return sums.result()


def has_numbers(entry: VariableEntry) -> bool:
    """Tells whether a variable has values of which there are statistics."""
    return entry.readable and entry.dtype not in _NO_NUMBERS


def variable_stats(
    artifact: Artifact, entries: Iterable[VariableEntry]
) -> Iterator[tuple[VariableEntry, VariableStats]]:
    """Yields each variable with its statistics, reading one after the other.

    Strings, complex numbers and what cannot be read have all statistics None.

    Raises:
      ArtifactError: a value is broken.
    """
    for entry in entries:
        if has_numbers(entry):
            yield entry, value_stats(artifact.read(entry.name))
        else:
            yield entry, VariableStats()


def stats_row(stats: VariableStats) -> dict[str, Any]:
    """Returns the columns that `list-vars --stats` adds; their keys are stable."""
    return {name: getattr(stats, name) for name in VariableStats.__dataclass_fields__}
