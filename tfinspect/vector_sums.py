"""Sums over long vectors in one call of NumPy, without BLAS's threads and in steps that stay exact.

BLAS wakes all its threads for a dot product of more than 10,000 elements, which costs more than the
product; and a running sum over a million elements loses digits that the sum of many short ones
keeps.
"""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Elements of one part: few calls of NumPy for many elements, whose buffers still fit a cache.
PART = 1 << 18
_ROW = 1 << 13
# A power of two within this is a double, and so is one over it.
_LARGEST_EXPONENT = 1000


class Buffers:
    """Room to compute in, for one value after the other: new memory costs more than the sums."""

    def __init__(self, size: int = PART) -> None:
        import numpy as np

        self.first, self.second, self.third = np.empty(size), np.empty(size), np.empty(size)
        self.flags = np.empty(size, bool)


def scale_of(largest: float) -> float:
    """Returns the power of two that brings vectors with this largest magnitude to about one.

    Squares of doubles beyond 1e154 overflow, and those of doubles below 1e-154 lose digits or
    vanish; so scaled they do neither.
    """
    exponent = math.frexp(largest)[1]
    return 2.0 ** -max(-_LARGEST_EXPONENT, min(exponent, _LARGEST_EXPONENT))


def total(a: "np.ndarray") -> float:
    """Returns the sum of a contiguous vector of doubles."""
    import numpy as np

    whole = a.size - a.size % _ROW
    found = float(a[whole:].sum())
    if whole:
        found += float(np.einsum("ij->i", a[:whole].reshape(-1, _ROW)).sum())
    return found


def inner_product(a: "np.ndarray", b: "np.ndarray") -> float:
    """Returns the sum of the products of two contiguous vectors of doubles."""
    import numpy as np

    whole = a.size - a.size % _ROW
    found = float(a[whole:] @ b[whole:])
    if whole:
        rows, columns = a[:whole].reshape(-1, 1, _ROW), b[:whole].reshape(-1, _ROW, 1)
        found += float(np.matmul(rows, columns).sum())
    return found
