"""Tables of sorted keys, the container of both checkpoint formats.

Source: leveldb's `doc/table_format.md`; TensorFlow's copy is `tsl/lib/io/table*`. A file is a
sequence of blocks, each followed by one byte of compression type and a masked CRC32C, an index
block of (a key at or behind a block's last key, where the block lies), and a footer of 48 bytes.
"""

import bisect
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tfinspect.artifacts.file_part import Data, Room, checksum, map_part, read_part
from tfinspect.artifacts.locate import TABLE_MAGIC
from tfinspect.artifacts.wire import WireError, varint
from tfinspect.errors import ArtifactError

_FOOTER_BYTES = 48
_TRAILER_BYTES = 5
_UNCOMPRESSED, _SNAPPY = 0, 1
# Three bytes of a snappy stream describe at most 64 bytes of output.
_MOST_EXPANSION = 32
_MOST_KEPT, _LARGEST_KEPT = 8, 1 << 20
# Blocks of keys are small; larger ones hold tensors, and are mapped.
_LARGEST_READ = 128 << 20
# What a block's keys may take once those that share their beginning stand alone.
_MOST_KEY_BYTES, _ENTRY_BYTES = 256 << 20, 128
# A tensor may share the first block with the description of all, which is read to list them.
_LARGEST_UNPACKED = 512 << 20
_MASK_DELTA = 0xA282EAD8


class UnknownCodecError(ArtifactError):
    """A block that is compressed in a way that this package does not know."""


@dataclass(frozen=True)
class Block:
    """Where one block lies, and a key that none of its keys is behind."""

    last_key: bytes
    offset: int
    size: int


@dataclass(frozen=True)
class Reading:
    """How a value may be held; needs NumPy where any of it is set.

    Attributes:
      view: a value in a large block may be a view of the file.
      part: only a part of the value will be looked at: it is never held as a whole.
      room: where the value may be put, until another one is.
    """

    view: bool = False
    part: bool = False
    room: Room | None = None

    def fits(self, size: int) -> bool:
        """Tells whether `size` bytes are put into the room."""
        return self.room is not None and self.room.takes(size)


COPIED = Reading()


@dataclass(frozen=True)
class _InRoom:
    """The values of a block that lies in a room, until something else does."""

    room: Room
    reads: int
    place: int
    entries: dict[bytes, Data]

    def entries_of(self, place: int, room: Room | None) -> dict[bytes, Data] | None:
        """Returns those of a block for one who reads into the same room, where they still lie."""
        there = room is self.room and (self.place, self.reads) == (place, self.room.reads)
        return self.entries if there else None


def masked_crc(crc: int) -> int:
    """Masks a CRC32C as leveldb stores it."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _crc(data: Data) -> int:
    import google_crc32c

    if isinstance(data, memoryview):
        import numpy as np

        # The checksum's C code takes no views; an array over one is as good.
        return int(google_crc32c.value(np.frombuffer(data, np.uint8)))
    return int(google_crc32c.value(data))


class Table:
    """One table file; its index is read and verified at once, a block when it is asked for.

    Raises:
      ArtifactError: no table, cut off, or its index is broken.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = os.path.getsize(path)
        self.blocks = list(self._read_index())
        # Small tensors share a block: the last few blocks are kept, unpacked.
        self._kept: dict[int, dict[bytes, Data]] = {}
        self._in_room: _InRoom | None = None
        self._last_keys = [block.last_key for block in self.blocks]

    def _error(self, offset: int, problem: str) -> ArtifactError:
        return ArtifactError(
            f"'{self.path}' is broken at byte {offset:,} of {self.size:,}: {problem}; "
            "get the file again from where it came."
        )

    def _read_index(self) -> Iterator[Block]:
        start = self.size - _FOOTER_BYTES
        footer = read_part(self.path, max(start, 0), _FOOTER_BYTES)
        if start < 0 or footer[-8:] != TABLE_MAGIC:
            raise self._error(max(start, 0), "it does not end like a checkpoint's table")
        position = 0
        try:
            for _ in range(2):
                _, position = varint(footer, position, _FOOTER_BYTES - 8)
            offset, size = self._handle(footer, position)
        except WireError as error:
            raise self._error(start, f"the footer: {error}") from error
        previous_end = 0
        for key, handle in self._entries(*self._block(offset, size, start), offset):
            try:
                begin, size = self._handle(handle, 0)
            except WireError as error:
                raise self._error(offset, f"the index block: {error}") from error
            # Overlapping blocks would let a small file unfold without end.
            if begin < previous_end:
                raise self._error(offset, f"the block at {begin:,} overlaps another")
            previous_end = begin + size + _TRAILER_BYTES
            if previous_end > start:
                raise self._error(begin, "a block ends behind the end of the file")
            yield Block(key, begin, size)

    @staticmethod
    def _handle(data: Data, position: int) -> tuple[int, int]:
        offset, position = varint(data, position, len(data))
        size, _ = varint(data, position, len(data))
        return offset, size

    def _block(
        self, offset: int, size: int, limit: int, reading: Reading = COPIED
    ) -> tuple[Data, int]:
        """Reads, verifies and unpacks one block that must end before `limit`.

        Returns the bytes that hold it and its size in them: a large block is not copied to be cut.
        """
        if offset + size + _TRAILER_BYTES > limit:
            raise self._error(min(offset, self.size), "a block ends behind the end of the file")
        # What the checksum is over is read by itself: a large block is not copied for it.
        data, crc = self._summed(offset, size + 1, reading)
        stored = read_part(self.path, offset + size + 1, 4)
        if len(data) + len(stored) != size + _TRAILER_BYTES:
            raise self._error(offset, "the file became shorter while it was read")
        if masked_crc(crc) != int.from_bytes(stored, "little"):
            raise self._error(offset, f"the checksum of a block of {size:,} bytes does not match")
        view = reading.view
        if size > _LARGEST_READ and not view:
            raise self._error(offset, f"a block of {size:,} bytes, more than keys take")
        most = size * _MOST_EXPANSION
        return self._unpacked(data, offset, size, most if view else min(most, _LARGEST_UNPACKED))

    def _summed(self, offset: int, size: int, reading: Reading) -> tuple[Data, int]:
        """Returns a part of the file with its CRC32C."""
        if reading.fits(size):
            assert reading.room is not None
            return reading.room.read(self.path, offset, size)
        read = map_part if reading.view or size > _LARGEST_READ else read_part
        data = read(self.path, offset, size)
        if reading.part and isinstance(data, memoryview):
            return data, checksum(self.path, offset, size)[1]
        return data, _crc(data)

    def _unpacked(self, data: Data, offset: int, size: int, most: int) -> tuple[Data, int]:
        codec = data[size]
        if codec == _UNCOMPRESSED:
            return data, size
        if codec != _SNAPPY:
            raise UnknownCodecError(
                f"a block of '{self.path}' at byte {offset:,} has compression type {codec}, "
                "which this version does not know; 0 (none) and 1 (snappy) are known."
            )
        import cramjam

        try:
            length, _ = varint(data, 0, size)
            if length > most:
                raise self._error(offset, f"{size:,} bytes cannot unfold to {length:,}")
            unpacked: Data = memoryview(cramjam.snappy.decompress_raw(data[:size]))
        except (WireError, cramjam.DecompressionError) as error:
            raise self._error(offset, f"a block cannot be unpacked: {error}") from error
        # A large one is not copied; of a small one the parts are cut faster from bytes.
        return unpacked if length > _LARGEST_KEPT else bytes(unpacked), len(unpacked)

    def _entries(self, block: Data, size: int, offset: int) -> Iterator[tuple[bytes, Data]]:
        """Yields the keys and values of an unpacked block; each key must follow the one before."""
        end = self._entries_end(block, size, offset)
        position, key, first, left = 0, b"", True, _MOST_KEY_BYTES
        try:
            while position < end:
                shared, unshared, length = block[position : position + 3]
                if (shared | unshared | length) < 0x80:
                    position += 3
                else:
                    shared, position = varint(block, position, end)
                    unshared, position = varint(block, position, end)
                    length, position = varint(block, position, end)
                middle = position + unshared
                following = key[:shared] + block[position:middle]
                position = middle + length
                if shared > len(key) or position > end or (following <= key and not first):
                    raise WireError(f"an entry at byte {middle} of its block")
                key, first = following, False
                left -= len(key) + _ENTRY_BYTES
                if left < 0:
                    raise WireError(f"its keys unfold to more than {_MOST_KEY_BYTES:,} bytes")
                yield key, block[middle:position]
        except (WireError, ValueError) as error:
            raise self._error(offset, f"a block's entries: {error}") from error

    def _entries_end(self, block: Data, size: int, offset: int) -> int:
        if size >= 4:
            (restarts,) = struct.unpack_from("<I", block, size - 4)
            end = size - 4 * (restarts + 1)
            if end >= 0:
                return int(end)
        raise self._error(offset, "a block's restart points do not fit into it")

    def read_block(self, block: Block) -> Iterator[tuple[bytes, bytes]]:
        """Yields the keys and values of one block.

        Raises:
          ArtifactError: the block is broken, or compressed in an unknown way.
        """
        for key, value in self._pairs(block):
            if len(value) > _LARGEST_READ:
                raise self._error(block.offset, f"an entry of {len(value):,} bytes")
            yield key, bytes(value)

    def _pairs(self, block: Block, reading: Reading = COPIED) -> Iterator[tuple[bytes, Data]]:
        found = self._block(block.offset, block.size, self.size, reading)
        return self._entries(*found, block.offset)

    def get(self, key: bytes, reading: Reading = COPIED) -> Data | None:
        """Returns the value of one key, reading and verifying the one block that may hold it.

        Args:
          key: of the value.
          reading: how it may be held.

        Raises:
          ArtifactError: the block is broken, or compressed in an unknown way.
        """
        place = bisect.bisect_left(self._last_keys, key)
        if place == len(self.blocks):
            return None
        entries = self._kept.get(place)
        if entries is None and self._in_room is not None:
            entries = self._in_room.entries_of(place, reading.room)
        if entries is None:
            block = self.blocks[place]
            # Few keys may share a block with a tensor of any size.
            if block.size > _LARGEST_READ:
                reading = replace(reading, view=True)
            entries = dict(self._pairs(block, reading))
            self._keep(place, entries, reading)
        return entries.get(key)

    def _keep(self, place: int, entries: dict[bytes, Data], reading: Reading) -> None:
        room = reading.room
        if room is not None and reading.fits(self.blocks[place].size + 1):
            self._in_room = _InRoom(room, room.reads, place, entries)
        elif self.blocks[place].size <= _LARGEST_KEPT >= sum(map(len, entries)):
            if len(self._kept) == _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[place] = entries
