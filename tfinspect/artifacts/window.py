"""A part of a file as a file of its own."""

import io
import mmap
import os


class Window(io.RawIOBase):
    """Reads `size` bytes of a mapped file from `base` on, as though they were all there is."""

    def __init__(self, file: mmap.mmap, base: int, size: int) -> None:
        super().__init__()
        self._file, self._base = file, base
        self._size = max(0, min(size, len(file) - base))
        self._place = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can seek."""
        return True

    def tell(self) -> int:
        """Returns the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a place; from the start, from here, or from the end."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: object) -> int:
        """Fills a buffer as far as the window reaches; returns the number of bytes."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = max(0, min(len(view), self._size - self._place))
        start = self._base + self._place
        view[:count] = self._file[start : start + count]
        self._place += count
        return count
