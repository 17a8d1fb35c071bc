"""How far two values of one shape are apart, computed in parts that fit a cache."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfinspect.vector_sums import PART, Buffers, inner_product, scale_of

if TYPE_CHECKING:
    import numpy as np

# Two values, their difference and what they are read from lie in the cache at once.
_PART = PART // 4
# A sum that is told by larger ones of both signs has lost digits where it is so much smaller.
_CANCELLED = 1e-3
# Values that differ do so soon.
_FIRST = 1 << 10
# Sums of squares that are smaller have lost digits.
_TINY = 1e-200


@dataclass(frozen=True)
class ValueDifference:
    """Measures of a difference; see `tfinspect.diff.Difference`. None where there is none."""

    relative_l2: float | None
    max_abs: float | None
    cosine: float | None
    changed: float | None

    def exceeds(self, tolerance: float) -> bool:
        """Tells whether values differ, and by more than a relative L2 difference."""
        if not self.changed:
            return False
        return tolerance == 0 or self.relative_l2 is None or self.relative_l2 > tolerance


def pair_buffers() -> Buffers:
    """Returns room for one pair of any size after the other."""
    return Buffers(_PART)


def value_difference(
    a: "np.ndarray", b: "np.ndarray", buffers: Buffers | None = None
) -> ValueDifference:
    """Compares two values of one shape: numbers of any types, or strings.

    NaN equals NaN, and infinity itself; a non-finite element that differs makes the relative L2
    and the largest difference infinite. Integers are compared exactly, whatever their size; complex
    numbers as points of the plane. Strings have only a share of changed elements.

    Args:
      a: a value.
      b: another of its shape.
      buffers: kept by a caller with many pairs; None for new ones.
    """
    import numpy as np

    one, two = a.reshape(-1), b.reshape(-1)
    if one.dtype == object:
        changed = int(np.count_nonzero(one != two))
        return ValueDifference(None, None, None, changed / max(1, one.size))
    with np.errstate(all="ignore"):
        if _identical(one, two):
            return ValueDifference(0.0, 0.0, 1.0 if _has_any(one) else None, 0.0)
        buffers = buffers or Buffers(min(_PART, 2 * one.size))
        sums = _added(one, two, _Sums(buffers))
        if _has_doubles(one, two) and sums.out_of_range():
            sums = _added(one, two, _Sums(buffers, _scales_of(one, two, sums.max_abs)))
    return sums.result()


def _has_doubles(*vectors: "np.ndarray") -> bool:
    # Squares of narrower numbers fit a double.
    return any(vector.dtype.char in "dD" for vector in vectors)


def _added(one: "np.ndarray", two: "np.ndarray", sums: "_Sums") -> "_Sums":
    for part in _parts(one.size, _PART // _width(one, two)):
        sums.add(one[part], two[part])
    return sums


def _width(*vectors: "np.ndarray") -> int:
    """Returns how many doubles an element takes: two where a side is complex."""
    return 2 if any(vector.dtype.kind == "c" for vector in vectors) else 1


def _parts(size: int, step: int = _PART) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, size, step))


def _identical(a: "np.ndarray", b: "np.ndarray") -> bool:
    """Tells whether two vectors are equal bit for bit, the quickest way."""
    if a.dtype != b.dtype or a.size != b.size or not _same_bits(a[:_FIRST], b[:_FIRST]):
        return False
    # A part at a time: a constant of one repeated element takes little memory as it is.
    return all(_same_bits(a[part], b[part]) for part in _parts(a.size, PART))


def _has_any(vector: "np.ndarray") -> bool:
    return bool(vector[:_FIRST].any() or vector.any())


def _same_bits(a: "np.ndarray", b: "np.ndarray") -> bool:
    import numpy as np

    one, two = np.ascontiguousarray(a).view(np.uint8), np.ascontiguousarray(b).view(np.uint8)
    whole = one.size & ~7
    words, others = one[:whole].view(np.uint64), two[:whole].view(np.uint64)
    return np.array_equal(words, others) and np.array_equal(one[whole:], two[whole:])


@dataclass(frozen=True)
class _Scales:
    """Powers of two that the values and their difference are multiplied with before squaring.

    Attributes:
      a, b, apart: one for each of the vectors.
      halving: what A and B are multiplied with before they are subtracted.
    """

    a: float = 1.0
    b: float = 1.0
    apart: float = 1.0
    halving: float = 1.0


class _Sums:
    def __init__(self, buffers: Buffers, scales: _Scales | None = None) -> None:
        self._buffers, self._scales = buffers, scales
        self.count = self.changed = 0
        self.broken = False
        self.max_abs: float = 0.0
        self.apart = self.norm_a = self.norm_b = self.product = 0.0

    def add(self, one: "np.ndarray", two: "np.ndarray") -> None:
        """Adds parts whose elements take at most _PART doubles."""
        import numpy as np

        width = _width(one, two)
        size, held = one.size * width, self._buffers
        a, apart = held.first[:size], held.second[:size]
        _widen(one, a, width)
        _widen(two, apart, width)
        np.subtract(apart, a, out=apart)
        differs = np.not_equal(apart, 0, out=held.flags[:size])
        largest: float | None = None
        square = inner_product(apart, apart)
        ordinary = self._scales is None and math.isfinite(square)
        integers = one.dtype.kind in "iu" and two.dtype.kind in "iu"
        if not (ordinary and not integers and self._add_products(a, apart, square)):
            b = held.third[:size]
            _widen(two, b, width)
            if not math.isfinite(square):
                a, b, apart, differs = self._finite(a, b, apart, width)
            elif integers:
                differs, largest = _integers(one, two, apart)
            self._square(a, b, apart)
        self.count += one.size
        self.changed += int(np.count_nonzero(_any_of(differs, width)))
        self.max_abs = max(self.max_abs, _largest(apart, width) if largest is None else largest)

    def _add_products(self, a: "np.ndarray", apart: "np.ndarray", square: float) -> bool:
        """Adds the products of A and B = A + difference without B, if that loses no digits."""
        norm_a, across = inner_product(a, a), inner_product(a, apart)
        norm_b = norm_a + 2 * across + square
        if not norm_b >= _CANCELLED * (norm_a + square):
            return False
        self.apart += square
        self.norm_a += norm_a
        self.norm_b += norm_b
        self.product += norm_a + across
        return True

    def _finite(
        self, a: "np.ndarray", b: "np.ndarray", apart: "np.ndarray", width: int
    ) -> tuple["np.ndarray", ...]:
        """Leaves out the elements that are not finite, and notes whether any of these differs."""
        import numpy as np

        left_out = _any_of(~(np.isfinite(a) & np.isfinite(b)), width)
        differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        self.broken |= bool(np.any(left_out & _any_of(differs, width)))
        kept = ~np.repeat(left_out, width)
        return a[kept], b[kept], apart[kept], differs

    def _square(self, a: "np.ndarray", b: "np.ndarray", apart: "np.ndarray") -> None:
        scales = self._scales
        if scales is not None:
            if scales.halving != 1:
                apart = b * scales.halving - a * scales.halving
            a, b, apart = a * scales.a, b * scales.b, apart * scales.apart
        self.apart += inner_product(apart, apart)
        self.norm_a += inner_product(a, a)
        self.norm_b += inner_product(b, b)
        self.product += inner_product(a, b)

    def out_of_range(self) -> bool:
        """Tells whether finite elements were too large or too small to be squared."""
        sums = (self.apart, self.norm_a, self.norm_b, self.product)
        if not all(map(math.isfinite, sums)):
            return True
        return self.changed > 0 and min(self.apart, self.norm_a, self.norm_b) < _TINY

    def result(self) -> ValueDifference:
        """Returns the measures of everything that was added."""
        changed = self.changed / max(1, self.count)
        norms = math.sqrt(self.norm_a) * math.sqrt(self.norm_b)
        cosine = self.product / norms if norms else None
        if self.broken:
            return ValueDifference(math.inf, math.inf, None, changed)
        apart, norm, scales = math.sqrt(self.apart), math.sqrt(self.norm_a), self._scales
        relative = apart / norm if norm else (math.inf if apart else 0.0)
        if scales is not None:
            relative *= scales.a / scales.apart / scales.halving
        return ValueDifference(relative, self.max_abs, cosine, changed)


def _widen(part: "np.ndarray", numbers: "np.ndarray", width: int) -> None:
    import numpy as np

    np.copyto(numbers.view(complex) if width == 2 else numbers, part, casting="unsafe")


def _integers(
    one: "np.ndarray", two: "np.ndarray", apart: "np.ndarray"
) -> tuple["np.ndarray", float | None]:
    """Compares integers exactly: beyond 2^53 they differ where their doubles may not.

    Args:
      one, two: the integers.
      apart: room for their difference; holds that of their doubles.

    Returns:
      Which ones differ, and the largest difference; None for that of the doubles.
    """
    import numpy as np

    differs = np.not_equal(one, two)
    if max(one.dtype.itemsize, two.dtype.itemsize) < 8 or not differs.any():
        return differs, int(_largest(apart, 1))
    common = np.result_type(one, two)
    if common.kind not in "iu":
        return differs, None
    a, b = one.astype(common), two.astype(common)
    less = b < a
    # Differences of 64 bits wrap around to what they are without a sign.
    magnitude = np.where(less, a - b, b - a).view(np.uint64)
    np.copyto(apart, magnitude, casting="unsafe")
    np.negative(apart, out=apart, where=less)
    return differs, int(magnitude.max())


def _any_of(flags: "np.ndarray", width: int) -> "np.ndarray":
    """Tells of which elements any of `width` flags is set."""
    import numpy as np

    return flags if width == 1 else np.logical_or.reduce(flags.reshape(-1, width), axis=1)


def _largest(numbers: "np.ndarray", width: int) -> float:
    """Returns the largest magnitude, that of complex numbers for a width of 2; 0 for none."""
    import numpy as np

    if not numbers.size:
        return 0.0
    if width == 2:
        return float(np.abs(numbers.view(complex)).max())
    return float(max(numbers.max().item(), -numbers.min().item()))


def _scales_of(one: "np.ndarray", two: "np.ndarray", apart: float) -> _Scales:
    """Returns the scales for values of which `apart` is the largest difference."""
    a, b = _largest_finite(one), _largest_finite(two)
    if math.isfinite(apart):
        return _Scales(scale_of(a), scale_of(b), scale_of(apart))
    return _Scales(scale_of(a), scale_of(b), scale_of(max(a, b)), 0.25)


def _largest_finite(vector: "np.ndarray") -> float:
    import numpy as np

    largest = 0.0
    for part in _parts(vector.size):
        numbers = abs(vector[part].astype(complex if vector.dtype.kind == "c" else float))
        largest = max(largest, _largest(numbers[np.isfinite(numbers)], 1))
    return largest
