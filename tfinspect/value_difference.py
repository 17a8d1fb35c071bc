"""How far two values of one shape are apart, computed in parts that fit a core's cache."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Elements of one part: the buffers for it stay in a core's second cache.
_PART = 1 << 15
# BLAS wakes all its threads for a dot product of more than 10,000 elements.
_PIECE = 1 << 13


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


def value_difference(a: "np.ndarray", b: "np.ndarray") -> ValueDifference:
    """Compares two values of one shape: numbers of any types, or strings.

    NaN equals NaN, and infinity itself; a non-finite element that differs makes the relative L2
    and the largest difference infinite. Strings have only a share of changed elements.
    """
    import numpy as np

    one, two = _flat(a), _flat(b)
    if one.dtype == object:
        changed = int(np.count_nonzero(one != two))
        return ValueDifference(None, None, None, changed / max(1, one.size))
    with np.errstate(all="ignore"):
        if _identical(one, two):
            return ValueDifference(0.0, 0.0, 1.0 if one.any() else None, 0.0)
        sums = _Sums(whole=one.dtype == two.dtype and one.dtype.kind in "iu")
        for start in range(0, one.size, _PART):
            sums.add(one[start : start + _PART], two[start : start + _PART])
    return sums.result()


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
    def __init__(self, *, whole: bool) -> None:
        import numpy as np

        self._whole = whole
        self._a, self._b, self._apart = np.empty(_PART), np.empty(_PART), np.empty(_PART)
        self.count = self.changed = 0
        self.broken = False
        self.max_abs = self.apart = self.norm_a = self.norm_b = self.product = 0.0

    def add(self, one: "np.ndarray", two: "np.ndarray") -> None:
        """Adds parts of at most _PART elements."""
        import numpy as np

        size = one.size
        a, b, apart = self._a[:size], self._b[:size], self._apart[:size]
        np.copyto(a, one, casting="unsafe")
        np.copyto(b, two, casting="unsafe")
        self.count += size
        np.subtract(b, a, out=apart)
        square = _dot(apart, apart)
        if math.isnan(square) or math.isinf(square):
            a, b, apart = self._finite(a, b)
            square = _dot(apart, apart)
        # Integers beyond 2^53 differ where their doubles may not.
        self.changed += int(np.count_nonzero(one != two if self._whole else apart))
        if apart.size:
            self.max_abs = max(self.max_abs, apart.max().item(), -apart.min().item())
        self.apart += square
        self.norm_a += _dot(a, a)
        self.norm_b += _dot(b, b)
        self.product += _dot(a, b)

    def _finite(self, a: "np.ndarray", b: "np.ndarray") -> tuple["np.ndarray", ...]:
        """Counts the differences of elements that are not finite, and leaves these out."""
        import numpy as np

        kept = np.isfinite(a) & np.isfinite(b)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        differing = int(np.count_nonzero(~kept & ~same))
        self.changed += differing
        self.broken |= differing > 0
        return a[kept], b[kept], b[kept] - a[kept]

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


def _dot(a: "np.ndarray", b: "np.ndarray") -> float:
    pieces = range(0, a.size, _PIECE)
    return sum(float(a[at : at + _PIECE] @ b[at : at + _PIECE]) for at in pieces)
