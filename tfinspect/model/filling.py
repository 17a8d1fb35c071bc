"""A batch filled up to the size that a graph takes."""

import numpy as np


def filled(array: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last row of `[n, ...]` up to `size` rows, which the caller cuts off again.

    Zeros might lead to NaN in what is cut off; they fill only an array without rows.
    """
    missing = size - len(array)
    if missing <= 0:
        return array
    last = array[-1:] if len(array) else np.zeros((1, *array.shape[1:]), array.dtype)
    return np.concatenate([array, np.repeat(last, missing, axis=0)])
