"""V2 checkpoints (tensor bundles): an index of entries, and any number of data files.

Source: `tensorflow/core/protobuf/tensor_bundle.proto` and
`tensorflow/core/util/tensor_bundle/tensor_bundle.cc`.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from tfinspect.artifacts import slot_names
from tfinspect.artifacts.artifact import Artifact, Index
from tfinspect.artifacts.bundle_entry import BundleEntry
from tfinspect.artifacts.bundle_index import BundleIndex
from tfinspect.artifacts.data_file import DataFile
from tfinspect.artifacts.dtypes import element_bytes, is_readable, numpy_dtype
from tfinspect.artifacts.file_part import Room
from tfinspect.artifacts.meta_beside import Described, described
from tfinspect.artifacts.object_graph import (
    GRAPH_KEY,
    LARGEST_GRAPH,
    ReadableName,
    readable_names,
)
from tfinspect.artifacts.slices import Extent, assemble, slice_shape
from tfinspect.artifacts.wire import WireError
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

_NEWEST_VERSION = 1


def open_bundle(prefix: str, notes: Sequence[str] = ()) -> "Bundle":
    """Opens the V2 checkpoint `prefix.index`; name-based or object-based.

    Args:
      prefix: of its files.
      notes: what is to be told of how it was chosen.

    Raises:
      ArtifactError: its index is missing or broken.
    """
    return Bundle(prefix, notes)


class Bundle(Artifact):
    """A V2 checkpoint."""

    def __init__(self, prefix: str, notes: Sequence[str] = ()) -> None:
        super().__init__(prefix, "V2 checkpoint")
        self._chosen = tuple(notes)
        self._index = BundleIndex(f"{prefix}.index")
        self._header = self._index.header
        self._files = [
            DataFile(self._data_path(shard), big_endian=self._header.big_endian)
            for shard in range(self._header.num_shards)
        ]
        if GRAPH_KEY in self._index.entries:
            self.kind = "object-based V2 checkpoint"

    def _data_path(self, shard: int) -> str:
        return f"{self.path}.data-{shard:05d}-of-{self._header.num_shards:05d}"

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """Every variable, in the order of keys; slots marked, partitioned ones whole."""
        return self._described.variables

    @cached_property
    def _described(self) -> Described:
        names = self._names
        listed = [
            self._variable(key, entry, names[key])
            for key, entry in self._index.entries.items()
            if key != GRAPH_KEY
        ]
        return described(self.path, listed)

    @cached_property
    def _names(self) -> Mapping[str, ReadableName]:
        keys = self._index.entries
        if GRAPH_KEY not in keys:
            slots = slot_names.slots(keys)
            return {key: ReadableName(key, key in slots) for key in keys}
        try:
            return readable_names(self.object_graph(), list(keys))
        except WireError as error:
            self._index.problems.append(
                f"The object graph of '{self.path}' cannot be read (it {error}): "
                "names are made from the keys."
            )
            return readable_names(b"", list(keys))

    def object_graph(self) -> bytes:
        """Returns the serialized TrackableObjectGraph of an object-based checkpoint.

        Raises:
          WireError: it is missing or broken.
        """
        entry = self._index.entries.get(GRAPH_KEY)
        if entry is None or entry.dtype != "string" or entry.shape != ():
            raise WireError("is not there")
        if entry.size > LARGEST_GRAPH:
            raise WireError(f"has {entry.size:,} bytes, more than any model's")
        graph: bytes = self._file(entry).read(entry).item()
        return graph

    def _variable(self, key: str, entry: BundleEntry, named: ReadableName) -> VariableEntry:
        parts = self._index.parts(key)
        return VariableEntry(
            name=named.name,
            shape=entry.shape,
            dtype=entry.dtype,
            parameters=math.prod(entry.shape),
            bytes=sum([part.size for part in parts]),
            slot=named.slot,
            key=key,
            shard=self._shard_names(parts),
            readable=self._problem(entry, parts) is None,
        )

    def _shard_names(self, parts: list[BundleEntry]) -> str:
        shards = sorted({part.shard for part in parts}) if len(parts) != 1 else [parts[0].shard]
        names = [
            self._files[shard].name if shard < len(self._files) else f"data file {shard}"
            for shard in shards
        ]
        return ", ".join(names)

    def _problem(self, entry: BundleEntry, parts: list[BundleEntry]) -> str | None:
        """Says why a variable cannot be read, without reading it."""
        if self._header.min_consumer > _NEWEST_VERSION:
            return f"was written for readers of version {self._header.min_consumer}"
        if len(parts) != max(1, len(entry.slices)):
            return f"has {len(parts)} of its {len(entry.slices)} slices"
        # Its slices have types of their own, which may be others in a broken index.
        if not is_readable(entry.dtype):
            return f"is of type {entry.dtype}, which can be listed, not read"
        for part in parts:
            if not self._files:
                return "cannot be read without the index's header"
            if part.shard >= len(self._files):
                return f"lies in data file {part.shard} of {len(self._files)}"
            problem = self._file(part).problem(part)
            if problem is not None:
                return problem
        return None

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Missing data files, a newer version, values that cannot be read."""
        # Naming the variables may find problems, too.
        beside = self._described.problems
        missing = [file.name for file in self._files if file.size is None]
        found = list(self._index.problems)
        if self._header.min_consumer > _NEWEST_VERSION:
            found.append(
                f"'{self._index.path}' was written for readers of version "
                f"{self._header.min_consumer}; this one knows version {_NEWEST_VERSION} and lists "
                "names, shapes and types."
            )
        if missing:
            found.append(
                f"{len(missing):,} of {len(self._files):,} data files are missing; "
                f"the first is '{missing[0]}'."
            )
        return (*self._chosen, *found, *beside, *self._unreadable_notes())

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says what is wrong with its data file or its slices."""
        problem = self._problem(self._index.entries[entry.key], self._index.parts(entry.key))
        return f"'{entry.name}' in '{self.path}' {problem or 'cannot be read'}."

    def _file(self, entry: BundleEntry) -> DataFile:
        if entry.shard >= len(self._files):
            raise WireError(f"lies in data file {entry.shard} of {len(self._files)}")
        return self._files[entry.shard]

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        return self._value(entry)

    def _read_into(self, entry: VariableEntry, room: Room) -> "np.ndarray":
        return self._value(entry, room=room)

    def _read_part(self, entry: VariableEntry, index: Index) -> "np.ndarray":
        import numpy as np

        # A copy, so that the file's pages are given back with the rest of the value.
        return np.array(self._value(entry, index)[index])

    def _value(
        self, entry: VariableEntry, index: Index = None, room: Room | None = None
    ) -> "np.ndarray":
        """Returns the whole value, verified; with an index one that is good for that part."""
        stored = self._index.entries[entry.key]
        try:
            if stored.slices:
                return self._assembled(entry.key, stored, ... if index is None else index)
            return self._file(stored).read(stored, part=index is not None, room=room)
        except WireError as error:
            raise ArtifactError(
                f"'{entry.name}' in '{self.path}' {error}; get the file again from where it came."
            ) from error

    def _assembled(self, key: str, entry: BundleEntry, index: Index) -> "np.ndarray":
        import numpy as np

        def read(extents: tuple[Extent, ...]) -> np.ndarray:
            part = self._index.part(key, extents)
            if part is None or part.dtype != entry.dtype:
                raise WireError("lacks a slice")
            if part.shape != slice_shape(extents, entry.shape):
                raise WireError(f"has a slice of shape {list(part.shape)}, which does not fit")
            return self._file(part).read(part)

        stored = sum(file.size or 0 for file in self._files)
        if math.prod(entry.shape) * element_bytes(entry.dtype) > stored:
            raise WireError("is larger than all data files together")
        dtype = np.dtype(object) if entry.dtype == "string" else numpy_dtype(entry.dtype)
        return assemble(entry.shape, dtype, entry.slices, read, index)
