"""Histograms that grow with their values: equal bins on a grid of powers of two.

Bins are as wide as a power of two and begin at multiples of it, so that a coarser grid is exactly a
union of finer bins: parts of a tensor may be added in any order and any sizes, and histograms of
different tensors are put on one grid without splitting a bin.
"""

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np

MAX_BINS = 256
# Narrower bins than this part of the largest value would be below its last digits.
_DIGITS = 40
_SMALLEST_EXPONENT = -1000


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of finite values in equal bins.

    Attributes:
      exponent: bins are `2 ** exponent` wide.
      start: the first bin begins at `start * width`.
      counts: int64 `[B]`, at most MAX_BINS; the first and the last are not 0.
    """

    exponent: int
    start: int
    counts: np.ndarray

    @property
    def width(self) -> float:
        """Width of every bin."""
        return math.ldexp(1.0, self.exponent)

    @property
    def edges(self) -> np.ndarray:
        """Float64 `[B + 1]`: bin b counts the values from `edges[b]` to below `edges[b + 1]`."""
        return np.arange(self.start, self.start + len(self.counts) + 1) * self.width

    def coarser(self, exponent: int) -> "Histogram":
        """Returns the same counts in bins of `2 ** exponent`, which is not below the own one."""
        shift = exponent - self.exponent
        if shift == 0:
            return self
        # Python's integers: a shift of 64 or more is undefined for NumPy's.
        start = self.start >> shift
        places = [((self.start + place) >> shift) - start for place in range(len(self.counts))]
        counts = np.zeros(places[-1] + 1, np.int64)
        np.add.at(counts, places, self.counts)
        return Histogram(exponent, start, counts)


def histogram(values: np.ndarray) -> Histogram | None:
    """Counts finite values of any shape; None where there are none."""
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    exponent = _exponent(low, high)
    scaled = np.floor(np.ldexp(np.asarray(values, np.float64).reshape(-1), -exponent))
    start = math.floor(math.ldexp(low, -exponent))
    return Histogram(exponent, start, np.bincount((scaled - start).astype(np.int64)))


def merged(*parts: Histogram | None) -> Histogram | None:
    """Adds histograms up; None, a histogram of nothing, changes nothing."""
    return reduce(_merged, parts, None)


def on_one_grid(*parts: Histogram) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the edges of one grid that holds all, and each histogram's counts on it."""
    whole = reduce(_joined, parts)
    coarse = [part.coarser(whole.exponent) for part in parts]
    return whole.edges, [_placed(part, whole.start, len(whole.counts)) for part in coarse]


def _merged(one: Histogram | None, other: Histogram | None) -> Histogram | None:
    if one is None or other is None:
        return other if one is None else one
    return _joined(one, other)


def _joined(one: Histogram, other: Histogram) -> Histogram:
    exponent = max(one.exponent, other.exponent)
    while True:
        pair = one.coarser(exponent), other.coarser(exponent)
        start = min(part.start for part in pair)
        size = max(part.start + len(part.counts) for part in pair) - start
        if size <= MAX_BINS:
            first, second = (_placed(part, start, size) for part in pair)
            return Histogram(exponent, start, first + second)
        exponent += max(1, size.bit_length() - MAX_BINS.bit_length() - 1)


def _placed(part: Histogram, start: int, size: int) -> np.ndarray:
    counts = np.zeros(size, np.int64)
    counts[part.start - start : part.start - start + len(part.counts)] = part.counts
    return counts


def _exponent(low: float, high: float) -> int:
    """Returns the smallest exponent with which the values fit, whatever comes between them."""
    exponent = _SMALLEST_EXPONENT
    if low or high:
        exponent = max(exponent, math.frexp(max(abs(low), abs(high)))[1] - _DIGITS)
    if high > low:
        # Halves: the difference itself may be too large for a float.
        spread = math.frexp(high / 2 - low / 2)[1] + 1
        exponent = max(exponent, spread - MAX_BINS.bit_length() - 1)
    while _bins(low, high, exponent) > MAX_BINS:
        exponent += 1
    return exponent


def _bins(low: float, high: float, exponent: int) -> int:
    return math.floor(math.ldexp(high, -exponent)) - math.floor(math.ldexp(low, -exponent)) + 1
