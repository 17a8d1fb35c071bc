"""Several arrays of rows as one, without a copy: memory-mapped ones stay on disk."""

from collections.abc import Sequence

import numpy as np


class StackedRows:
    """Arrays `[N_i, …]` of one dtype, one below the other, as `[sum(N_i), …]`.

    Only rows that are asked for are read.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        """Takes the arrays; all but their first axes are equal."""
        self.parts = tuple(parts)
        self.dtype = parts[0].dtype
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])

    def __getitem__(self, chosen: np.ndarray) -> np.ndarray:
        """Returns rows `[M, …]` by their numbers, int `[M]`, each 0 or more."""
        found = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        owners = np.searchsorted(self._ends, chosen, side="right")
        for number in np.unique(owners):
            part, its = self.parts[number], owners == number
            found[its] = part[chosen[its] - (self._ends[number] - len(part))]
        return found
