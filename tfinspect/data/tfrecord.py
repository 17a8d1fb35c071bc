"""The TFRecord framing: length, masked CRC32C of the length, data, masked CRC32C of the data.

The format is the one in `tensorflow/core/lib/io/record_writer.h`: little-endian, a uint64 and
uint32s; each CRC is rotated by 15 bits and has a constant added.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import google_crc32c

from tfinspect import files
from tfinspect.errors import DataError

HEADER_BYTES = 12
FOOTER_BYTES = 4
MASK_DELTA = 0xA282EAD8
_READ_BYTES = 1 << 20


class CorruptRecordError(DataError):
    """A record that is cut off or whose checksum is wrong.

    `path`, `index` (of the record in the file, from 0) and `offset` (bytes from the start of the
    file) say where it begins, `reason` what is wrong.
    """

    def __init__(self, path: str, index: int, offset: int, reason: str) -> None:
        super().__init__(
            f"'{path}': record {index} at byte {offset} {reason}; write the file again."
        )
        self.path = path
        self.index = index
        self.offset = offset
        self.reason = reason


@dataclass(frozen=True)
class Record:
    """One record: its index in the file, the byte offset of its header, its data."""

    index: int
    offset: int
    data: bytes


def masked_crc32c(data: bytes) -> int:
    """Returns the masked CRC32C as TFRecord files store it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + MASK_DELTA) & 0xFFFFFFFF


def header(length: int) -> bytes:
    """Returns the 12 bytes before a record's data."""
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked_crc32c(packed))


def frame(data: bytes) -> bytes:
    """Returns a record as it stands in the file."""
    return b"".join((header(len(data)), data, struct.pack("<I", masked_crc32c(data))))


def write_record(stream: IO[bytes], data: bytes) -> None:
    """Appends one record to an open file."""
    stream.write(frame(data))


def starts_like_records(path: str) -> bool:
    """Tells whether a file is empty, or begins with a record's length and its checksum.

    Raises:
      DataError: it cannot be read.
    """
    with files.open_file(path) as stream, files.reporting("read", path):
        head = stream.read(12)
    if len(head) < 12:
        return not head
    return masked_crc32c(head[:8]) == int.from_bytes(head[8:], "little")


def read_records(path: str) -> Iterator[Record]:
    """Yields the records of a TFRecord file, each after both of its checksums were verified.

    Raises:
      CorruptRecordError: at the first record that is cut off or has a wrong checksum.
      DataError: the file cannot be opened.
    """
    with files.open_file(path) as stream:
        reader = _Reader(stream)
        index = offset = 0
        while head := reader.take(HEADER_BYTES):
            data = _data(reader, head, (path, index, offset))
            yield Record(index, offset, data)
            offset += HEADER_BYTES + len(data) + FOOTER_BYTES
            index += 1


def _data(reader: "_Reader", head: bytes, place: tuple[str, int, int]) -> bytes:
    if len(head) < HEADER_BYTES:
        raise CorruptRecordError(*place, "is cut off in its header")
    length, length_crc = struct.unpack("<QI", head)
    if masked_crc32c(head[:8]) != length_crc:
        compressed = "; the file is compressed with gzip" if head[:2] == b"\x1f\x8b" else ""
        raise CorruptRecordError(*place, f"has a wrong CRC32C of its length{compressed}")
    body = reader.take(length + FOOTER_BYTES)
    if len(body) < length + FOOTER_BYTES:
        raise CorruptRecordError(
            *place, f"is cut off: {len(body)} of {length + FOOTER_BYTES} bytes are there"
        )
    data = body[:length]
    if masked_crc32c(data) != int.from_bytes(body[length:], "little"):
        raise CorruptRecordError(*place, "has a wrong CRC32C of its data")
    return data


class _Reader:
    """Takes small pieces from a stream that is read in large ones."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream
        self._buffer = b""
        self._position = 0

    def take(self, count: int) -> bytes:
        """Returns the next `count` bytes; fewer at the end of the file."""
        if self._position + count > len(self._buffer):
            self._fill(count)
        piece = self._buffer[self._position : self._position + count]
        self._position += len(piece)
        return piece

    def _fill(self, count: int) -> None:
        pieces = [self._buffer[self._position :]]
        missing = count - len(pieces[0])
        while missing > 0:
            # A damaged length must not ask for memory that the file cannot fill.
            piece = self._stream.read(min(max(missing, _READ_BYTES), 64 * _READ_BYTES))
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece)
        self._buffer = b"".join(pieces)
        self._position = 0
