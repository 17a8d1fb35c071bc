"""How far two values of one shape are apart, computed in parts that fit a cache."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfinspect.vector_sums import inner_product

if TYPE_CHECKING:
    import numpy as np

# Elements of one part: few calls of NumPy for many elements, whose buffers still fit a cache.
_PART = 1 << 17
# Squares of doubles beyond 1e154 overflow; so scaled they do not.
_SMALLER = 2.0**-600


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


class Buffers:
    """Room to compute in, for one pair after the other: new memory costs more than the sums."""

    def __init__(self, size: int = _PART) -> None:
        import numpy as np

        self.a, self.b, self.apart = np.empty(size), np.empty(size), np.empty(size)
        self.flags = np.empty(size, bool)


def value_difference(
    a: "np.ndarray", b: "np.ndarray", buffers: Buffers | None = None
) -> ValueDifference:
    """Compares two values of one shape: numbers of any types, or strings.

    NaN equals NaN, and infinity itself; a non-finite element that differs makes the relative L2
    and the largest difference infinite. Strings have only a share of changed elements.

    Args:
      a: a value.
      b: another of its shape.
      buffers: kept by a caller with many pairs; None for new ones.
    """
    import numpy as np

    one, two = _flat(a), _flat(b)
    if one.dtype == object:
        changed = int(np.count_nonzero(one != two))
        return ValueDifference(None, None, None, changed / max(1, one.size))
    with np.errstate(all="ignore"):
        if _identical(one, two):
            return ValueDifference(0.0, 0.0, 1.0 if one.any() else None, 0.0)
        buffers = buffers or Buffers(min(_PART, one.size))
        sums = _added(one, two, _Sums(buffers, 1.0))
        if sums.overflowed():
            sums = _added(one, two, _Sums(buffers, _SMALLER))
    return sums.result()


def _added(one: "np.ndarray", two: "np.ndarray", sums: "_Sums") -> "_Sums":
    for start in range(0, one.size, _PART):
        sums.add(one[start : start + _PART], two[start : start + _PART])
    return sums


def _flat(value: "np.ndarray") -> "np.ndarray":
    flat = value.reshape(-1)
    # Real and imaginary parts are numbers of their own.
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def _identical(a: "np.ndarray", b: "np.ndarray") -> bool:
    """Tells whether two vectors are equal bit for bit, the quickest way."""
    import numpy as np

    if a.dtype != b.dtype or a.size != b.size:
        return False
    one, two = np.ascontiguousarray(a).view(np.uint8), np.ascontiguousarray(b).view(np.uint8)
    whole = one.size & ~7
    step = _PART * 8
    for start in range(0, whole, step):
        part = slice(start, min(start + step, whole))
        if not np.array_equal(one[part].view(np.uint64), two[part].view(np.uint64)):
            return False
    return bool(np.array_equal(one[whole:], two[whole:]))


class _Sums:
    def __init__(self, buffers: Buffers, scale: float) -> None:
        self._buffers, self._scale = buffers, scale
        self.count = self.changed = 0
        self.broken = False
        self.max_abs = self.apart = self.norm_a = self.norm_b = self.product = 0.0

    def add(self, one: "np.ndarray", two: "np.ndarray") -> None:
        """Adds parts of at most _PART elements."""
        import numpy as np

        size, held = one.size, self._buffers
        a, b, apart = held.a[:size], held.b[:size], held.apart[:size]
        np.copyto(a, one, casting="unsafe")
        np.copyto(b, two, casting="unsafe")
        self.count += size
        np.subtract(b, a, out=apart)
        square = inner_product(apart, apart)
        if not math.isfinite(square):
            a, b, apart = self._finite(a, b)
            square = inner_product(apart, apart)
        # Integers beyond 2^53 differ where their doubles may not.
        if one.dtype == two.dtype and one.dtype.kind in "iu":
            differs = np.not_equal(one, two, out=held.flags[:size])
        else:
            differs = np.not_equal(apart, 0, out=held.flags[: apart.size])
        self.changed += int(np.count_nonzero(differs))
        if self._scale != 1:
            a, b = a * self._scale, b * self._scale
            apart = b - a
            square = inner_product(apart, apart)
        if apart.size:
            largest = max(apart.max().item(), -apart.min().item())
            self.max_abs = max(self.max_abs, largest / self._scale)
        self.apart += square
        self.norm_a += inner_product(a, a)
        self.norm_b += inner_product(b, b)
        self.product += inner_product(a, b)

    def _finite(self, a: "np.ndarray", b: "np.ndarray") -> tuple["np.ndarray", ...]:
        """Counts the differences of elements that are not finite, and leaves these out."""
        import numpy as np

        kept = np.isfinite(a) & np.isfinite(b)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        differing = int(np.count_nonzero(~kept & ~same))
        self.changed += differing
        self.broken |= differing > 0
        return a[kept], b[kept], b[kept] - a[kept]

    def overflowed(self) -> bool:
        """Tells whether finite elements were too large to be squared."""
        sums = (self.apart, self.norm_a, self.norm_b, self.product)
        return not all(map(math.isfinite, sums))

    def result(self) -> ValueDifference:
        """Returns the measures of everything that was added."""
        changed = self.changed / max(1, self.count)
        norms = math.sqrt(self.norm_a) * math.sqrt(self.norm_b)
        cosine = self.product / norms if norms else None
        if self.broken:
            return ValueDifference(math.inf, math.inf, cosine, changed)
        apart, norm = math.sqrt(self.apart), math.sqrt(self.norm_a)
        relative = apart / norm if norm else (math.inf if apart else 0.0)
        return ValueDifference(relative, self.max_abs, cosine, changed)
