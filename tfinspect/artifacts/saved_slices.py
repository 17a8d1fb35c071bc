"""V1 checkpoints: tables whose first entry describes every tensor and whose others hold slices.

Sources: `tensorflow/core/util/saved_tensor_slice.proto`, `saved_tensor_slice_util.cc` and
`tensor_slice_writer.cc`.
"""

import math
import os
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tfinspect.artifacts import locate, slot_names
from tfinspect.artifacts.artifact import Artifact, Index
from tfinspect.artifacts.dtypes import dtype_name, element_bytes, numpy_dtype
from tfinspect.artifacts.file_part import Data, Room
from tfinspect.artifacts.meta_beside import Described, described
from tfinspect.artifacts.saved_tensor import READABLE_TYPES, decode_tensor, string_bytes
from tfinspect.artifacts.slices import (
    Extent,
    assemble,
    parse_shape,
    parse_slice,
    slice_key,
    slice_shape,
)
from tfinspect.artifacts.sstable import COPIED, Reading, Table
from tfinspect.artifacts.unique_names import readable_key
from tfinspect.artifacts.wire import LENGTH, WireError, fields, raw_fields
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

_META_KEY = b""


class _Saved(NamedTuple):
    key: bytes
    name: str
    shape: tuple[int, ...]
    dtype: str
    # Which table holds which slice.
    slices: tuple[tuple[int, tuple[Extent, ...]], ...]

    @property
    def elements(self) -> int:
        """Numbers of the whole variable."""
        return math.prod(self.shape)

    @property
    def gap(self) -> str | None:
        """What the slices lack; None where they are the whole variable."""
        return _gap(tuple([extents for _, extents in self.slices]), self.shape)


def open_saved_slices(path: str) -> "SavedSlices":
    """Opens a V1 checkpoint: one file, or the prefix of `-00000-of-00002` files.

    Raises:
      ArtifactError: a file is broken or no V1 checkpoint.
    """
    return SavedSlices(path)


class SavedSlices(Artifact):
    """A V1 checkpoint."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "V1 checkpoint")
        paths = [path] if os.path.isfile(path) else locate.v1_shards(path)
        self._tables = [Table(shard) for shard in paths]
        self._saved: dict[str, _Saved] = {}
        for number in range(len(self._tables)):
            for saved in self._read_meta(number):
                self._merge(saved)

    def _read_meta(self, number: int) -> list[_Saved]:
        table = self._tables[number]
        data = table.get(_META_KEY)
        try:
            if data is None:
                raise WireError("it has no description of its tensors")
            return parse_meta(bytes(data), number)
        except WireError as error:
            raise ArtifactError(
                f"'{table.path}' is no V1 checkpoint: {error}; give another file."
            ) from error

    def _merge(self, saved: _Saved) -> None:
        known = self._saved.get(saved.name)
        if known is not None and known.key != saved.key:
            # Different bytes, of which some are no text.
            name = readable_key(saved.key, self._saved)
            known, saved = None, saved._replace(name=name)
        if known is not None:
            if (known.shape, known.dtype) != (saved.shape, saved.dtype):
                raise ArtifactError(
                    f"'{self.path}' describes '{saved.name}' twice, with shapes "
                    f"{list(known.shape)} and {list(saved.shape)}; its files belong to several."
                )
            saved = known._replace(slices=known.slices + saved.slices)
        self._saved[saved.name] = saved

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """Every variable, in the order in which it was saved; partitioned ones whole."""
        return self._described.variables

    @cached_property
    def _described(self) -> Described:
        slots = slot_names.slots(self._saved)
        found = [self._variable(saved, saved.name in slots) for saved in self._saved.values()]
        return described(self.path, found)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Missing files, a broken `.meta` file, and values that cannot be read."""
        return (*self._missing(), *self._described.problems, *self._unreadable_notes())

    def _missing(self) -> list[str]:
        declared = locate.v1_shard_count(self._tables[0].path) or len(self._tables)
        missing = declared - len(self._tables)
        if not missing:
            return []
        return [
            f"{missing:,} of {declared:,} files of '{self.path}' are missing; what they hold is "
            "not listed."
        ]

    def _variable(self, saved: _Saved, slot: bool) -> VariableEntry:
        shards = sorted({number for number, _ in saved.slices})
        return VariableEntry(
            name=saved.name,
            shape=saved.shape,
            dtype=saved.dtype,
            parameters=saved.elements,
            bytes=saved.elements * element_bytes(saved.dtype) or self._string_bytes(saved),
            slot=slot,
            key=saved.name,
            shard=", ".join(os.path.basename(self._tables[number].path) for number in shards),
            readable=saved.dtype in READABLE_TYPES and saved.gap is None,
        )

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says that its type is not read, or which of its slices are not there."""
        saved = self._saved[entry.key]
        gap = saved.gap if saved.dtype in READABLE_TYPES else None
        if gap is None:
            return super().why_unreadable(entry)
        return (
            f"'{entry.name}' in '{self.path}' {gap}; put the checkpoint's missing files beside the "
            "others, or get it again from where it came."
        )

    def _string_bytes(self, saved: _Saved) -> int:
        """Returns the size of the strings of a variable: the format says it nowhere else."""
        if saved.dtype != "string":
            return 0
        try:
            data = [self._slice_data(saved, extents, shard) for shard, extents in saved.slices]
            return sum(string_bytes(one, *_tensor_range(one)) for one in data)
        except (ArtifactError, WireError):
            # A broken value is told when it is read.
            return 0

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        return self._value(self._saved[entry.key])

    def _read_into(self, entry: VariableEntry, room: Room) -> "np.ndarray":
        return self._value(self._saved[entry.key], room=room)

    def _read_part(self, entry: VariableEntry, index: Index) -> "np.ndarray":
        import numpy as np

        # A copy, so that the file's pages are given back with the rest of the value.
        return np.array(self._value(self._saved[entry.key], index)[index])

    def _value(self, saved: _Saved, index: Index = None, room: Room | None = None) -> "np.ndarray":
        """Returns the whole value, verified; with an index one that is good for that part."""
        import numpy as np

        tables = {extents: number for number, extents in saved.slices}

        whole = len(tables) == len(saved.slices) == 1
        # Slices are held together until the last one is there.
        reading = Reading(view=True, part=index is not None, room=room if whole else None)

        def read(extents: tuple[Extent, ...]) -> np.ndarray:
            return self._slice(saved, extents, tables[extents], reading)

        dtype = np.dtype(object) if saved.dtype == "string" else numpy_dtype(saved.dtype)
        try:
            if whole:
                (extents,) = tables
                if slice_shape(extents, saved.shape) == saved.shape:
                    return read(extents)
            wanted = ... if index is None else index
            return assemble(saved.shape, dtype, [found for _, found in saved.slices], read, wanted)
        except WireError as error:
            raise ArtifactError(
                f"'{saved.name}' in '{self.path}' {error}; get the file again from where it came."
            ) from error

    def _slice(
        self, saved: _Saved, extents: tuple[Extent, ...], shard: int, reading: Reading
    ) -> "np.ndarray":
        data = self._slice_data(saved, extents, shard, reading)
        start, end = _tensor_range(data)
        return decode_tensor(data, start, end, saved.dtype, slice_shape(extents, saved.shape))

    def _slice_data(
        self, saved: _Saved, extents: tuple[Extent, ...], shard: int, reading: Reading = COPIED
    ) -> Data:
        data = self._tables[shard].get(slice_key(saved.key, extents), reading)
        if data is None:
            raise WireError("lacks a slice")
        return data


@lru_cache(maxsize=4096)
def _gap(slices: tuple[tuple[Extent, ...], ...], shape: tuple[int, ...]) -> str | None:
    """Says what the slices that are known of a variable lack; None where they are the whole."""
    try:
        known = sum(math.prod(slice_shape(extents, shape)) for extents in set(slices))
    except WireError as error:
        return f"has {error}"
    if known == math.prod(shape):
        return None
    return f"has slices of {known:,} elements where it has {math.prod(shape):,}"


def parse_meta(data: bytes, number: int) -> list[_Saved]:
    """Reads the SavedTensorSliceMeta of a SavedTensorSlices, of the table with a number.

    Raises:
      WireError: the bytes are no such message.
    """
    found = []
    for meta in fields(data):
        if meta.number == 1 and meta.wire_type == LENGTH:
            for part in fields(data, meta.start, meta.end):
                if part.number == 1 and part.wire_type == LENGTH:
                    found.append(_parse_slices(data, part.start, part.end, number))
    return found


def _parse_slices(data: bytes, start: int, end: int, number: int) -> _Saved:
    key, dtype, slices = b"", 0, []
    shape: tuple[int, ...] | None = ()
    for field in fields(data, start, end):
        if field.number == 1 and field.wire_type == LENGTH:
            key = data[field.start : field.end]
        elif field.number == 2 and field.wire_type == LENGTH:
            shape = parse_shape(data[field.start : field.end])
        elif field.number == 3:
            dtype = field.value
        elif field.number == 4 and field.wire_type == LENGTH:
            slices.append((number, parse_slice(data[field.start : field.end])))
    name = readable_key(key, {})
    if shape is None:
        raise WireError(f"'{name}' has no shape")
    return _Saved(key, name, shape, dtype_name(dtype), tuple(slices))


def _tensor_range(data: Data) -> tuple[int, int]:
    """Returns where the TensorProto of a SavedTensorSlices lies."""
    for outer, outer_type, _, start, end in raw_fields(data, 0, len(data)):
        if (outer, outer_type) == (2, LENGTH):
            for inner, inner_type, _, begin, stop in raw_fields(data, start, end):
                if (inner, inner_type) == (3, LENGTH):
                    return begin, stop
    raise WireError("has an entry without value")
