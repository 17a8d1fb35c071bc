"""What is wrong with single filters of a layer: dead, duplicated, not finite."""

from dataclasses import dataclass

import numpy as np

from tfinspect.health import dead_filters, duplicate_filters


@dataclass(frozen=True)
class FilterMarks:
    """Findings in the filters of one layer.

    Attributes:
      dead: places of dead filters, see `tfinspect.health.dead_filters`.
      duplicated: (place, place of the first equal filter).
      not_finite: how many values are NaN or infinite.
      broken: places of the filters with such values.
    """

    dead: tuple[int, ...] = ()
    duplicated: tuple[tuple[int, int], ...] = ()
    not_finite: int = 0
    broken: tuple[int, ...] = ()


def filter_marks(filters: np.ndarray) -> FilterMarks:
    """Looks at filters `[filters, inputs]`.

    Filters of a single input are often equal by chance, and are not called duplicated.
    """
    finite = np.isfinite(filters)
    dead = dead_filters(filters)
    pairs = duplicate_filters(filters) if filters.shape[1] > 1 else []
    gone = set(dead.tolist())
    return FilterMarks(
        dead=tuple(dead.tolist()),
        duplicated=tuple(pair for pair in pairs if pair[0] not in gone),
        not_finite=int(finite.size - np.count_nonzero(finite)),
        broken=tuple(np.flatnonzero(~finite.all(axis=1)).tolist()),
    )
