"""A part of a file in memory; of a large one, the pages that are looked at."""

import mmap
import os

# Below this size reading costs less than mapping.
_SMALLEST_MAPPED = 1 << 16

# Both can be indexed and sliced alike; a view's slices are views.
Data = bytes | memoryview


def read_part(path: str, offset: int, size: int) -> bytes:
    """Reads `size` bytes of a file; fewer where it ends before.

    Raises:
      OSError: the file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read(descriptor, offset, size)
    finally:
        os.close(descriptor)


def _read(descriptor: int, offset: int, size: int) -> bytes:
    # The system reads at most 2 GB at once.
    found = os.pread(descriptor, size, offset)
    while found and len(found) < size:
        more = os.pread(descriptor, size - len(found), offset + len(found))
        if not more:
            break
        found += more
    return found


def map_part(path: str, offset: int, size: int) -> Data:
    """Maps a large part of a file, or reads a small one; fewer bytes where the file ends before.

    A view has a mapping of its own, whose pages are given back with it and with what is made of
    it. C code that wants `bytes` may not take a view, but an array over it.

    Raises:
      OSError: the file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = min(size, os.fstat(descriptor).st_size - offset)
        if size < _SMALLEST_MAPPED:
            return _read(descriptor, offset, size) if size > 0 else b""
        lead = offset % mmap.ALLOCATIONGRANULARITY
        mapping = mmap.mmap(descriptor, lead + size, access=mmap.ACCESS_READ, offset=offset - lead)
        return memoryview(mapping)[lead:]
    finally:
        os.close(descriptor)
