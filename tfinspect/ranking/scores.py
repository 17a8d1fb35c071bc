"""Scores of examples from their losses and gradients: pure NumPy."""

import contextlib
import tempfile
from collections.abc import Iterator

import numpy as np

from tfinspect import files

_ROWS_AT_ONCE = 1024


class Disagreement:
    """1 minus the cosine of each gradient and the mean gradient of its class, 0..2.

    The mean is over the directions (gradients of length 1) of the other examples of the class:
    among lengths, the few wrong labels would be their own class's mean. The directions wait in a
    file without a name, until the `with` block ends: N of them need not fit into memory.
    """

    def __init__(self) -> None:
        """Starts without examples.

        Raises:
          DataError: no temporary file can be made.
        """
        with _writing():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._labels: list[np.ndarray] = []
        self._sums: dict[int, np.ndarray] = {}
        self._width = 0

    def __enter__(self) -> "Disagreement":
        return self

    def __exit__(self, *unused: object) -> None:
        self._file.close()

    def add(self, gradients: np.ndarray, labels: np.ndarray) -> None:
        """Adds examples.

        Args:
          gradients: `[n, D]`, the same D each time.
          labels: int `[n]`.

        Raises:
          DataError: the disk for temporary files is full.
        """
        units = _directions(np.asarray(gradients, np.float64)).astype(np.float32)
        labels = np.asarray(labels, np.int64)
        self._labels.append(labels)
        self._width = units.shape[1]
        for label in np.unique(labels):
            total = units[labels == label].sum(axis=0, dtype=np.float64)
            self._sums[int(label)] = self._sums.get(int(label), 0.0) + total
        with _writing():
            self._file.write(units.tobytes())
            self._file.flush()

    def scores(self) -> np.ndarray:
        """Returns float32 `[N]`; 1 where a gradient is zero or the class has no other example."""
        parts = [
            1.0 - np.sum(units * _directions(self._sums_of(labels) - units), axis=1)
            for units, labels in self._blocks()
        ]
        return np.concatenate([*parts, np.zeros(0)]).astype(np.float32)

    def _sums_of(self, labels: np.ndarray) -> np.ndarray:
        return np.stack([self._sums[int(label)] for label in labels])

    def _blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        self._file.seek(0)
        labels = np.concatenate([*self._labels, np.zeros(0, np.int64)])
        for start in range(0, len(labels), _ROWS_AT_ONCE):
            some = labels[start : start + _ROWS_AT_ONCE]
            rows = np.frombuffer(self._file.read(4 * self._width * len(some)), np.float32)
            yield rows.reshape(len(some), -1).astype(np.float64), some


def _directions(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)


def _writing() -> contextlib.AbstractContextManager[None]:
    return files.reporting("write", tempfile.gettempdir(), "free space there, or set TMPDIR")


def descending(scores: np.ndarray) -> np.ndarray:
    """Returns the places of the scores from high to low; equal ones keep their order."""
    return np.argsort(-np.asarray(scores), kind="stable")
