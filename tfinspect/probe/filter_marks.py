"""What is wrong with single filters of a layer: dead, duplicated, not finite."""

from dataclasses import dataclass

import numpy as np

from tfinspect.health import DEAD, duplicate_filters


@dataclass(frozen=True)
class FilterMarks:
    """Findings in the filters of one layer.

    Attributes:
      dead: places of filters whose norm is below a millionth of the median of all that are not
        zero; all zero where every filter is.
      duplicated: (place, place of the first equal filter).
      not_finite: how many values are NaN or infinite.
    """

    dead: tuple[int, ...] = ()
    duplicated: tuple[tuple[int, int], ...] = ()
    not_finite: int = 0


def filter_marks(filters: np.ndarray) -> FilterMarks:
    """Looks at filters `[filters, inputs]`.

    Filters of a single input are often equal by chance, and are not called duplicated.
    """
    finite = np.isfinite(filters)
    norms = np.linalg.norm(np.where(finite, filters, 0).astype(np.float64), axis=1)
    positive = norms[norms > 0]
    least = DEAD * float(np.median(positive)) if positive.size else 0.0
    dead = np.flatnonzero((norms <= least) & finite.all(axis=1))
    pairs = duplicate_filters(filters) if filters.shape[1] > 1 else []
    gone = set(dead.tolist())
    return FilterMarks(
        dead=tuple(dead.tolist()),
        duplicated=tuple(pair for pair in pairs if pair[0] not in gone),
        not_finite=int(finite.size - np.count_nonzero(finite)),
    )
