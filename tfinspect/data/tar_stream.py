"""The unpacked bytes of a tar archive, counted while `tarfile` reads them.

`tarfile` believes every size in a header, and reads long names, extended headers and maps of sparse
files whole.
"""

import bz2
import contextlib
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from typing import IO, Any, cast

from tfinspect.errors import DataError

# By what their beginning tells; what begins like none of them is taken for a plain archive.
_PACKED = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream, mode="rb")),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
    (b"\x5d\0\0\x80", lzma.LZMAFile),
)
_LONGEST_BEGINNING = 6
# A header's own block, and the byte before it, which tells whether the last member is whole.
_BLOCK = tarfile.BLOCKSIZE + 1
# Beside a block for each member: of one member, whose lines `tarfile` may search as often as there
# are lines, and of all, some of which it keeps. A long name takes 1 KiB.
_LONGEST_HEADER, _ALL_HEADERS = 32 << 10, 512 << 10


def unpacked(stream: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Returns a stream of what is in a file that may be packed, by gzip, bzip2 or xz."""
    beginning = stream.read(_LONGEST_BEGINNING)
    stream.seek(0)
    for magic, opened in _PACKED:
        if beginning.startswith(magic):
            return cast(contextlib.AbstractContextManager[IO[bytes]], opened(stream))
    return contextlib.nullcontext(stream)


class TarStream:
    """Goes forwards only, up to a limit, and lets headers have no more than names take.

    Args:
      stream: the unpacked bytes.
      path: of the archive, for messages.
      limit: bytes that may be read or passed over; None for any number.
    """

    def __init__(self, stream: IO[bytes], path: str, limit: int | None) -> None:
        self._stream, self._path, self._limit = stream, path, limit
        self._for_headers = _ALL_HEADERS
        self._for_this: int | None = None

    def read(self, size: int) -> bytes:
        """Returns the next bytes; fewer at the end.

        Raises:
          DataError: there are more than the limit.
          tarfile.ReadError: headers are larger than names are, or have a negative size.
        """
        # Packed streams would read all that there is.
        if size < 0:
            raise tarfile.ReadError(f"a header claims {size:,} bytes")
        # One byte too many tells.
        if self._limit is not None:
            size = min(size, self._limit - self.tell() + 1)
        if self._for_this is not None:
            size = min(size, self._for_this + 1)
        data = self._stream.read(size)
        self.require_room(self.tell())
        if self._for_this is not None:
            self._for_this -= len(data)
            if self._for_this < 0:
                raise tarfile.ReadError(
                    f"a header has more than {_LONGEST_HEADER:,} bytes, or all headers have more "
                    f"than {_ALL_HEADERS:,}"
                )
        return data

    def require_room(self, count: int) -> None:
        """Refuses an archive of more bytes than the limit.

        Raises:
          DataError: there are.
        """
        if self._limit is not None and count > self._limit:
            raise DataError(
                f"archive '{self._path}' unpacks to {count:,} bytes or more, and at most "
                f"{self._limit:,} belong into it; it is not unpacked. Get the archive from its "
                "publisher."
            )

    def seek(self, position: int) -> int:
        """Goes forwards.

        Raises:
          DataError: over the limit.
          tarfile.ReadError: it would be backwards, where a negative size leads.
        """
        if position < self.tell():
            raise tarfile.ReadError(f"byte {self.tell():,} is followed by byte {position:,}")
        self.require_room(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        """Returns the number of the next byte."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """Says yes, which `tarfile` asks for its members."""
        return True

    @contextlib.contextmanager
    def reading_header(self) -> Iterator[None]:
        """Counts what is read meanwhile as the header of a member."""
        most = min(_LONGEST_HEADER, self._for_headers)
        self._for_this = _BLOCK + most
        try:
            yield
        finally:
            self._for_headers -= max(0, most - self._for_this)
            self._for_this = None


class Archive(tarfile.TarFile):
    """A tar archive that keeps no header that was read, and tells broken ones as such.

    Attributes:
      stream: that it is read from.
    """

    def __init__(self, stream: TarStream) -> None:
        self.stream = stream
        super().__init__(fileobj=cast(Any, stream))

    def next(self) -> tarfile.TarInfo | None:
        """Returns the next member, or None at the end.

        Raises:
          tarfile.TarError: its header is broken.
          DataError: the limit.
        """
        try:
            with self.stream.reading_header():
                member = super().next()
        # Numbers that are none or too large, blocks that are cut off.
        except (ValueError, LookupError, OverflowError) as error:
            raise tarfile.ReadError(f"a header that cannot be read: {error}") from error
        self.members.clear()  # type: ignore[attr-defined]
        return member
