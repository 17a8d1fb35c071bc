"""Scores of examples from their losses and gradients: pure NumPy."""

import numpy as np


def disagreement(gradients: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns 1 minus the cosine of each gradient and the mean gradient of its class, 0..2.

    The mean is over the directions (gradients of length 1) of the other examples of the class:
    among lengths, the few wrong labels would be their own class's mean.

    Args:
      gradients: `[N, D]`.
      labels: int `[N]`.

    Returns:
      float32 `[N]`; 1 where a gradient is zero or the class has no other example.
    """
    units = _directions(np.asarray(gradients, np.float64))
    classes, index = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(classes), units.shape[1]))
    np.add.at(sums, index, units)
    others = _directions(sums[index] - units)
    return (1.0 - np.sum(units * others, axis=1)).astype(np.float32)


def _directions(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)


def descending(scores: np.ndarray) -> np.ndarray:
    """Returns the places of the scores from high to low; equal ones keep their order."""
    return np.argsort(-np.asarray(scores), kind="stable")
