"""Text attributes of an HDF5 object, read from its header without libhdf5.

libhdf5 1.14 takes the length of a string from the file and reserves it, up to 4 GB, and never ends
on a heap with an object whose size overflows. Source: "HDF5 File Format Specification Version 3.0",
III.E (global heap), IV.A (object headers and their messages).
"""

import math
import mmap
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_CONTINUATION, _ATTRIBUTE = 0x10, 0x0C
_MOST_BLOCKS = 1000
# Names and settings are text; more of it than this is no model.
_MOST_BYTES = 16 << 20
_STRING, _VARIABLE_LENGTH = 3, 9
_ELEMENT = 16

Text = str | list[str]


class HeaderError(ValueError):
    """A header that is broken, or of a version that is not known."""


@dataclass(frozen=True)
class Bytes:
    """The bytes of an HDF5 file, which may be part of another file."""

    file: mmap.mmap
    base: int
    size: int

    def part(self, start: int, count: int) -> bytes:
        """Returns a part of the file, which must lie inside it."""
        if start < 0 or count < 0 or start + count > self.size:
            raise HeaderError(f"it points to {count:,} bytes at offset {start:,}, past the end")
        place = self.base + start
        return self.file[place : place + count]


def text_attributes(data: Bytes, address: int, names: Collection[str]) -> dict[str, Text]:
    """Returns the attributes of an object that hold text; digits after a name are allowed.

    Args:
      data: the HDF5 file.
      address: of the object's header.
      names: what to read.

    Raises:
      HeaderError: the header is broken.
    """
    try:
        found = {}
        for body in _attribute_messages(data, address):
            name, value = _attribute(data, body, names)
            if value is not None:
                found[name] = value
        return found
    except (struct.error, IndexError) as error:
        raise HeaderError("its header is broken") from error


def _attribute_messages(data: Bytes, address: int) -> Iterator[bytes]:
    modern = data.part(address, 4) == b"OHDR"
    blocks, tracked = [_first_block(data, address, modern)], 0
    if modern:
        tracked = 2 if data.part(address + 5, 1)[0] & 4 else 0
    total = 0
    for place, size in blocks:
        block, at = data.part(place, size), 0
        total += size
        if total > _MOST_BYTES:
            raise HeaderError(f"its header has more than {_MOST_BYTES:,} bytes")
        head = 4 + tracked if modern else 8
        while at + head <= len(block):
            kind, length = struct.unpack_from("<BH" if modern else "<HH", block, at)
            body = block[at + head : at + head + length]
            if kind == _CONTINUATION and len(blocks) < _MOST_BLOCKS:
                start, count = struct.unpack_from("<QQ", body)
                # A modern block starts with a signature and ends with a checksum.
                blocks.append((start + 4, count - 8) if modern else (start, count))
            elif kind == _ATTRIBUTE:
                yield body
            at += head + length


def _first_block(data: Bytes, address: int, modern: bool) -> tuple[int, int]:
    if not modern:
        version, size = struct.unpack("<B7xI", data.part(address, 12))
        if version != 1:
            raise HeaderError(f"its header has the unknown version {version}")
        return address + 16, size
    flags = data.part(address + 5, 1)[0]
    start = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    return start + width, int.from_bytes(data.part(start, width), "little")


def _attribute(data: Bytes, body: bytes, names: Collection[str]) -> tuple[str, Text | None]:
    version, flags, name_size, type_size, space_size = struct.unpack_from("<BBHHH", body)
    at = 9 if version == 3 else 8
    parts = []
    for size in (name_size, type_size, space_size):
        parts.append(body[at : at + size])
        at += size + 7 & ~7 if version == 1 else size
    name = parts[0].rstrip(b"\0").decode("utf-8", "replace")
    shared = version > 1 and flags & 3
    if version not in (1, 2, 3) or shared or name.rstrip("0123456789") not in names:
        return name, None
    shape = _shape(parts[2])
    texts = _texts(data, parts[1], math.prod(shape), body[at:])
    if texts is None:
        return name, None
    return name, texts if shape or not texts else texts[0]


def _shape(space: bytes) -> tuple[int, ...]:
    version, rank, _, kind = struct.unpack_from("<BBBB", space)
    if version == 2 and kind == 2:
        return (0,)
    return struct.unpack_from(f"<{rank}Q", space, 8 if version == 1 else 4)


def _texts(data: Bytes, kind: bytes, count: int, values: bytes) -> list[str] | None:
    """Returns the strings of an attribute; None for one that holds no strings."""
    form, bits, size = struct.unpack_from("<BB2xI", kind)
    if count == 0:
        return []
    if form & 15 == _STRING and size:
        if count * size > len(values):
            raise HeaderError(f"an attribute of it declares {count:,} strings that are not there")
        parts = [values[at : at + size] for at in range(0, count * size, size)]
    elif form & 15 == _VARIABLE_LENGTH and bits & 15 == 1:
        if count * _ELEMENT > len(values):
            raise HeaderError(f"an attribute of it declares {count:,} strings that are not there")
        parts = GlobalHeaps(data).objects(values[: count * _ELEMENT], _MOST_BYTES)
    else:
        return None
    return [part.split(b"\0", 1)[0].decode("utf-8", "replace") for part in parts]


class GlobalHeaps:
    """The heaps in which a file keeps strings of any length; each is looked through once."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}

    def objects(self, elements: bytes, most: int) -> list[bytes]:
        """Returns what elements of 16 bytes (length, heap, number in it) point to.

        Args:
          elements: one after the other.
          most: bytes that all of them may have.

        Raises:
          HeaderError: they declare more, or point to what is not there.
        """
        # Twice over the bytes: a list of what is in them takes ten times as much.
        if sum(length for length, _, _ in struct.iter_unpack("<IQI", elements)) > most:
            raise HeaderError(f"it declares more than {most:,} bytes of text")
        return [self._object(*place) for place in struct.iter_unpack("<IQI", elements)]

    def _object(self, length: int, heap: int, wanted: int) -> bytes:
        if length == 0:
            return b""
        if heap not in self._heaps:
            self._heaps[heap] = dict(self._listed(heap))
        if wanted not in self._heaps[heap]:
            raise HeaderError(f"its text is not in the heap at offset {heap:,}")
        start, held = self._heaps[heap][wanted]
        return self._data.part(start, min(length, held))

    def _listed(self, heap: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yields number, and start and size, of the objects of one heap."""
        signature, size = struct.unpack("<4s4xQ", self._data.part(heap, 16))
        if signature != b"GCOL":
            raise HeaderError(f"its text is not at offset {heap:,}, where it should be")
        at, stop = heap + 16, min(heap + size, self._data.size)
        while at + 16 <= stop:
            index, held = struct.unpack("<H6xQ", self._data.part(at, 16))
            # Object 0 is the free rest of the heap.
            if index == 0:
                return
            yield index, (at + 16, held)
            at += 16 + (held + 7 & ~7)
