"""A part of a file in memory; of a large one, the pages that are looked at."""

import mmap
import os
from collections.abc import Callable

# Below this size reading costs less than mapping.
_SMALLEST_MAPPED = 1 << 16
# What is read into a `Room`: more than that is mapped, so that memory stays below it.
_LARGEST_ROOM = 32 << 20
# Read and summed together: the sum then finds what was read in the cache.
_STEP = 1 << 19

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


def checksum(path: str, offset: int, size: int) -> tuple[int, int]:
    """Returns how many bytes a part of a file has, and their CRC32C, holding little of it.

    Raises:
      OSError: the file cannot be read.
    """
    held = memoryview(bytearray(min(size, _STEP)))
    return _summed(path, offset, size, lambda _: held)


def _summed(
    path: str, offset: int, size: int, room_at: Callable[[int], memoryview]
) -> tuple[int, int]:
    """Reads a part of a file, a step at a time, to where `room_at` says for a place in it."""
    import google_crc32c
    import numpy as np

    count = crc = 0
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while count < size:
            room = room_at(count)[: min(_STEP, size - count)]
            read = os.preadv(descriptor, [room], offset + count)
            if not read:
                break
            # The checksum's C code takes no views; an array over one is as good.
            crc = google_crc32c.extend(crc, np.frombuffer(room[:read], np.uint8))
            count += read
    finally:
        os.close(descriptor)
    return count, crc


class Room:
    """Memory for one value after the other: new pages for each would cost more than reading it.

    Attributes:
      reads: how many were read into it; a value holds good until there is another one.
    """

    def __init__(self) -> None:
        self._held = memoryview(b"")
        self.reads = 0

    @staticmethod
    def takes(size: int) -> bool:
        """Tells whether a value of `size` bytes is read faster here than alone, and has room."""
        return _SMALLEST_MAPPED <= size <= _LARGEST_ROOM

    def read(self, path: str, offset: int, size: int) -> tuple[memoryview, int]:
        """Reads a part of a file.

        Returns:
          The bytes, fewer than `size` where the file ends before, and their CRC32C.

        Raises:
          OSError: the file cannot be read.
        """
        import numpy as np

        self.reads += 1
        if len(self._held) < size:
            # Room that is not filled with zeros costs no page before it is read into.
            self._held = np.empty(min(2 * size, _LARGEST_ROOM), np.uint8).data
        held = self._held
        count, crc = _summed(path, offset, size, lambda place: held[place:])
        return held[:count].toreadonly(), crc
