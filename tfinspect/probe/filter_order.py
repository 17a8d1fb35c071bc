"""In which order filters are drawn: as stored, by norm, or similar ones side by side."""

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.names import choices

ORDERS = ("index", "norm", "similarity")


def filter_order(filters: np.ndarray, order: str, count: int | None = None) -> np.ndarray:
    """Returns the places of filters in the order in which they are drawn.

    Equal input gives equal output: ties go to the lower place.

    Args:
      filters: `[filters, inputs]`; NaN and infinities count as 0.
      order: `index` as stored; `norm` largest first; `similarity` begins with the largest norm and
        goes on with the filter of the largest cosine to the one before, zero filters last.
      count: how many places are wanted; None for all.

    Raises:
      ConfigError: there is no such order.
    """
    if order not in ORDERS:
        raise ConfigError(f"no order '{order}'; {choices(order, ORDERS)}. Give one of these.")
    wanted = len(filters) if count is None else min(count, len(filters))
    if order == "index":
        return np.arange(wanted)
    finite = np.where(np.isfinite(filters), filters, 0).astype(np.float64)
    norms = np.sqrt(np.einsum("ni,ni->n", finite, finite))
    if order == "norm":
        return np.argsort(-norms, kind="stable")[:wanted]
    return _chain(finite, norms, wanted)


def _chain(filters: np.ndarray, norms: np.ndarray, wanted: int) -> np.ndarray:
    directions = filters / np.where(norms > 0, norms, 1.0)[:, np.newaxis]
    # Below every cosine, and above the places that are taken.
    rest = np.where(norms > 0, 0.0, -3.0)
    chain = [int(np.argmax(norms))]
    for _ in range(wanted - 1):
        rest[chain[-1]] = -9.0
        chain.append(int(np.argmax(directions @ directions[chain[-1]] + rest)))
    return np.array(chain)
