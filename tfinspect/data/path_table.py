"""Lists as long as a data set, in files without a name: they take none of the process's own memory.

The pages of a mapped file are the system's, to write out and to take back; the file is gone with
the last reference to it. It lies in the directory for temporary files (`TMPDIR`); where that is
itself kept in memory, nothing is saved. Short lists need no file.
"""

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from tfinspect import files

_AT_ONCE = 1 << 13
# Lists of no more bytes are kept in memory.
SHORT_BYTES = 1 << 20


def unnamed(count: int, dtype: np.typing.DTypeLike) -> np.ndarray:
    """Returns an array `[count]` of zeros; a long one in a file without a name.

    Raises:
      DataError: there is no room for it.
    """
    size = count * np.dtype(dtype).itemsize
    if size <= SHORT_BYTES:
        return np.zeros(count, dtype)
    with _writing(), tempfile.TemporaryFile() as file:
        # Taken now: where there is no room, a first touch of the mapping would end the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            for start in range(0, size, SHORT_BYTES):
                file.write(bytes(min(SHORT_BYTES, size - start)))
        return np.asarray(np.memmap(file, dtype, "r+", shape=(count,)))


def _writing() -> contextlib.AbstractContextManager[None]:
    return files.reporting("write to", tempfile.gettempdir(), "make room there, or set TMPDIR")


def numbers(count: int) -> np.ndarray:
    """Returns 0 to `count - 1`, int64, as `unnamed` keeps them."""
    counted = unnamed(count, np.int64)
    for first in range(0, count, _AT_ONCE):
        counted[first : first + _AT_ONCE] = np.arange(first, min(first + _AT_ONCE, count))
    return counted


def numbers_where(chosen: np.ndarray) -> np.ndarray:
    """Returns where bool `[N]` is true, ascending, int64, as `unnamed` keeps them."""
    found = unnamed(int(np.count_nonzero(chosen)), np.int64)
    end = 0
    for first in range(0, len(chosen), _AT_ONCE):
        some = np.flatnonzero(chosen[first : first + _AT_ONCE]) + first
        found[end : end + len(some)] = some
        end += len(some)
    return found


class PathTable(Sequence[str]):
    """File paths, of which only one at a time is in memory."""

    def __init__(self, letters: np.ndarray, starts: np.ndarray, chosen: np.ndarray) -> None:
        """Selects some of the paths; `path_table` makes the first selection, of all.

        Args:
          letters: all paths in a row, uint8.
          starts: where each begins, and where the last one ends, int64.
          chosen: the numbers of those that are selected, in their order, int64.
        """
        self._letters, self._starts, self._chosen = letters, starts, chosen

    def __len__(self) -> int:
        """Returns how many paths are selected."""
        return len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "PathTable": ...
    def __getitem__(self, index: int | slice) -> "str | PathTable":
        """Returns one path, or those of a slice."""
        if isinstance(index, slice):
            return PathTable(self._letters, self._starts, self._chosen[index])
        start, end = self._starts[self._chosen[index] :][:2]
        return _decoded(self._letters[start:end].tobytes())

    def take(self, indices: np.ndarray) -> "PathTable":
        """Returns the selection of some of the selected paths."""
        return PathTable(self._letters, self._starts, taken(self._chosen, indices))


def taken(array: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Returns `array[indices]`, both `[N]`, as `unnamed` keeps them."""
    return np.take(array, indices, out=unnamed(len(indices), array.dtype), mode="clip")


def path_table(paths: Iterable[str]) -> PathTable:
    """Writes paths down, in their order; they may come one by one.

    Raises:
      DataError: there is no room for them.
    """
    spool = functools.partial(tempfile.SpooledTemporaryFile, SHORT_BYTES)
    with _writing(), spool() as letters, spool() as lengths:
        count = 0
        for part in _encoded(paths):
            letters.write(b"".join(part))
            lengths.write(np.array([len(path) for path in part], np.int64).tobytes())
            count += len(part)
        starts = unnamed(count + 1, np.int64)
        np.cumsum(_array_of(lengths, np.int64), out=starts[1:])
        return PathTable(_array_of(letters, np.uint8), starts, numbers(count))


def _array_of(file: Any, dtype: np.typing.DTypeLike) -> np.ndarray:
    file.flush()
    long = file.tell() > SHORT_BYTES
    file.seek(0)
    return np.asarray(np.memmap(file, dtype, "r")) if long else np.frombuffer(file.read(), dtype)


def _encoded(paths: Iterable[str]) -> Iterator[list[bytes]]:
    part = []
    for path in paths:
        part.append(path.encode("utf-8", errors="surrogateescape"))
        if len(part) == _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", errors="surrogateescape")
