"""Splits by label: each part has its share of every label; equal seeds give equal parts."""

from collections.abc import Mapping

import numpy as np

from tfinspect.data.path_table import numbers_where


def largest_remainder(counts: np.ndarray, total: int) -> np.ndarray:
    """Shares `total` among labels in proportion to `counts` (int64 `[labels]`).

    >>> largest_remainder(np.array([10, 10, 5]), 6).tolist()
    [3, 2, 1]
    """
    exact = counts * total / counts.sum()
    quotas = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - quotas), kind="stable")
    quotas[order[: total - quotas.sum()]] += 1
    return quotas


def tenths(counts: np.ndarray) -> np.ndarray:
    """Returns a tenth of each count, at least 1 where there are 3 or more, else 0.

    >>> tenths(np.array([2, 3, 50])).tolist()
    [0, 1, 5]
    """
    quotas = np.maximum(1, np.rint(counts / 10).astype(np.int64))
    return np.where(counts >= 3, quotas, 0)


def stratified(
    labels: np.ndarray, quotas: Mapping[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """Draws parts from labelled examples.

    `labels` is int64 `[N]`; `quotas` gives each part's number of examples per label, int64
    `[labels]`. Returns the sorted indices of each part, and of what is left as `train`.
    """
    # RandomState's stream is frozen by NumPy's policy; the newer generators' may change.
    random = np.random.RandomState(seed)
    part_of = np.zeros(len(labels), np.uint8)
    for label in range(len(next(iter(quotas.values())))):
        indices = random.permutation(np.flatnonzero(labels == label))
        for number, counts in enumerate(quotas.values(), 1):
            part_of[indices[: counts[label]]] = number
            indices = indices[counts[label] :]
    return {
        part: numbers_where(part_of == number) for number, part in enumerate(["train", *quotas])
    }
