"""Sums over long vectors in one call of NumPy, without BLAS's threads and in steps that stay exact.

BLAS wakes all its threads for a dot product of more than 10,000 elements, which costs more than the
product; and a running sum over a million elements loses digits that the sum of many short ones
keeps.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_ROW = 1 << 13


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
