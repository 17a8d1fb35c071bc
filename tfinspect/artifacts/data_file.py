"""Data files of V2 checkpoints: arrays mapped into memory, strings behind their lengths.

Source: `tensorflow/core/util/tensor_bundle/tensor_bundle.cc` (WriteTensor, WriteStringTensor).
"""

import math
import os
from functools import cached_property
from typing import TYPE_CHECKING

from tfinspect.artifacts.bundle_entry import BundleEntry
from tfinspect.artifacts.dtypes import element_bytes, is_readable, numpy_dtype
from tfinspect.artifacts.file_part import Room, checksum, map_part
from tfinspect.artifacts.sstable import masked_crc
from tfinspect.artifacts.wire import WireError, varint

if TYPE_CHECKING:
    import numpy as np

_CRC_BYTES = 4
# Lengths of strings are checksummed as four bytes where they fit, else as eight.
_SHORT_LENGTH = 1 << 32
# Every string takes some hundred bytes of memory, of a file perhaps one.
_MOST_STRINGS = 1 << 22
_BATCH = 1 << 16


class DataFile:
    """One data file of a checkpoint.

    Attributes:
      path: where it lies, or should.
      name: its name without directories.
      big_endian: byte order of its elements.
    """

    def __init__(self, path: str, *, big_endian: bool) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self.big_endian = big_endian

    @cached_property
    def size(self) -> int | None:
        """Its size in bytes; None where it is missing."""
        try:
            return os.path.getsize(self.path) if os.path.isfile(self.path) else None
        except FileNotFoundError:
            # It was deleted just now.
            return None

    def problem(self, entry: BundleEntry) -> str | None:
        """Says why a value cannot be read, by its entry and the file's size alone."""
        if not is_readable(entry.dtype):
            return f"is of type {entry.dtype}, which can be listed, not read"
        itemsize, elements = element_bytes(entry.dtype), math.prod(entry.shape)
        if itemsize and entry.size != elements * itemsize:
            return f"has {entry.size:,} bytes where its shape needs {elements * itemsize:,}"
        if elements > entry.size:
            return f"has {entry.size:,} bytes for {elements:,} strings"
        if not itemsize and elements > _MOST_STRINGS:
            return f"has {elements:,} strings, more than {_MOST_STRINGS:,}"
        if self.size is None:
            return f"lies in '{self.path}', which is missing"
        if entry.offset + entry.size > self.size:
            return (
                f"ends at byte {entry.offset + entry.size:,} of '{self.path}', "
                f"which has {self.size:,}"
            )
        return None

    def read(
        self, entry: BundleEntry, *, part: bool = False, room: Room | None = None
    ) -> "np.ndarray":
        """Reads one value, in one piece, and verifies its checksum.

        Args:
          entry: what and where it is.
          part: whether only a part of it will be looked at: it is then never held as a whole.
          room: where it may be put, until the next value is; None for an array that stays.

        Returns:
          A read-only array mapped from the file, whose pages are read when they are looked at and
          given back with it; a copy for the other byte order; strings as an object array of
          `bytes`.

        Raises:
          WireError: its place, its size or its checksum is wrong.
        """
        self._require_no_problem(entry)
        if entry.dtype == "string":
            return self._strings(self._raw(entry).tobytes(), entry)
        if not part:
            return self._array(self._verified(entry, room), entry)
        self._verify(entry, *checksum(self.path, entry.offset, entry.size))
        return self._array(self._raw(entry), entry)

    def mapped(self, entry: BundleEntry) -> "np.ndarray":
        """Maps one value that is no string and has no checksum; see `read`."""
        self._require_no_problem(entry)
        return self._array(self._raw(entry), entry)

    def _require_no_problem(self, entry: BundleEntry) -> None:
        problem = self.problem(entry)
        if problem is not None:
            raise WireError(problem)

    def _array(self, raw: "np.ndarray", entry: BundleEntry) -> "np.ndarray":
        import numpy as np

        dtype = numpy_dtype(entry.dtype)
        if self.big_endian:
            unit = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
            raw = np.ascontiguousarray(raw.reshape(-1, unit)[:, ::-1])
        return raw.reshape(-1).view(dtype).reshape(entry.shape)

    def _raw(self, entry: BundleEntry) -> "np.ndarray":
        import numpy as np

        found = map_part(self.path, entry.offset, entry.size)
        self._require(len(found), entry)
        return np.frombuffer(found, np.uint8)

    def _verified(self, entry: BundleEntry, room: Room | None) -> "np.ndarray":
        import google_crc32c
        import numpy as np

        if room is not None and room.takes(entry.size):
            held, crc = room.read(self.path, entry.offset, entry.size)
            raw = np.frombuffer(held, np.uint8)
        else:
            raw = self._raw(entry)
            crc = google_crc32c.value(raw)
        self._verify(entry, raw.size, crc)
        return raw

    def _verify(self, entry: BundleEntry, size: int, crc: int) -> None:
        self._require(size, entry)
        if masked_crc(crc) != entry.crc:
            raise self._mismatch(entry)

    def _require(self, size: int, entry: BundleEntry) -> None:
        if size != entry.size:
            raise WireError(f"lies in '{self.path}', which became shorter while it was read")

    def _mismatch(self, entry: BundleEntry) -> WireError:
        end = entry.offset + entry.size
        return WireError(
            f"does not match its checksum (bytes {entry.offset:,} to {end:,} of '{self.path}')"
        )

    def _strings(self, data: bytes, entry: BundleEntry) -> "np.ndarray":
        """Reads varint lengths, their checksum, then the bytes of all strings."""
        import google_crc32c
        import numpy as np

        lengths, position = [], 0
        for _ in range(math.prod(entry.shape)):
            length, position = varint(data, position, len(data))
            lengths.append(length)
        body = position + _CRC_BYTES
        if body + sum(lengths) != len(data):
            raise WireError("has strings whose lengths do not add up to its size")
        # The checksum runs over fixed-size lengths, not over the varints that are stored.
        crc = 0
        for place in range(0, len(lengths), _BATCH):
            fixed = b"".join(map(_fixed_length, lengths[place : place + _BATCH]))
            crc = google_crc32c.extend(crc, fixed)
        stored = int.from_bytes(data[position:body], "little")
        crc_of_all = google_crc32c.extend(crc, data[position:])
        if stored != masked_crc(crc) or masked_crc(crc_of_all) != entry.crc:
            raise self._mismatch(entry)
        values = np.empty(len(lengths), object)
        for place, length in enumerate(lengths):
            values[place] = data[body : body + length]
            body += length
        return values.reshape(entry.shape)


def _fixed_length(length: int) -> bytes:
    return length.to_bytes(4 if length < _SHORT_LENGTH else 8, "little")
