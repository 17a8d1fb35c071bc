"""Where the value of an HDF5 dataset lies: in one piece, in chunks, or between the headers.

Everything that a header declares is checked against the file before a value is read.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfinspect.artifacts.hdf5_filters import FILTERS

if TYPE_CHECKING:
    import numpy as np

_MOST_COMPACT = 1 << 16
_MOST_CHUNKS = 1 << 20
# Deflate packs 1,032 bytes of zeros into one; what grows more is made to fill memory.
_MOST_GROWTH, _FREE_GROWTH = 1100, 1 << 20
# Weights that are not all alike shrink little; few of the others are larger than this.
_USUAL_GROWTH, _MOST_ALIKE = 100, 512 << 20
# A string of any length takes 16 bytes of the file before it is packed, and a hundred of memory.
_MOST_ALIKE_PLACES = 32 << 20
_LARGEST_CHUNK = 64 << 20
_CURE = "write it in one piece with `h5repack -f NONE -l CONTI`"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stored chunk: the place of its first element, its bytes, and the filters left out."""

    start: tuple[int, ...]
    offset: int
    size: int
    mask: int


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of a dataset, and the filters (number, settings) that packed them, in order."""

    shape: tuple[int, ...]
    filters: tuple[tuple[int, tuple[int, ...]], ...]
    stored: tuple[Chunk, ...]
    fill: Any


@dataclass(frozen=True, slots=True)
class StoredArray:
    """One dataset.

    Attributes:
      path: of the dataset in the file, without the leading slash.
      dtype: TensorFlow's name, or HDF5's for what TensorFlow does not have.
      shape: of the array.
      layout: NumPy's type of the stored bytes; None where `problem` says why it cannot be read.
      offset: of the first byte in the HDF5 file; None for an array in chunks, in `data`, or without
        elements.
      data: the bytes of a small array that stands between the headers.
      chunks: of an array that is stored in chunks.
      varying: whether the stored bytes are places of strings of any length.
      problem: why the value cannot be read; None where it can.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    layout: "np.dtype | None" = None
    offset: int | None = None
    data: bytes = b""
    chunks: Chunks | None = None
    varying: bool = False
    problem: str | None = None


def placed(dataset: Any, array: StoredArray, size: int) -> StoredArray:
    """Returns an array of a known type with the place of its value, or what is wrong with it.

    Args:
      dataset: its headers, h5py's `DatasetID`.
      array: type and shape.
      size: bytes of the HDF5 file.
    """
    import h5py

    assert array.layout is not None
    needed = math.prod(array.shape) * array.layout.itemsize
    described = dataset.get_create_plist()
    layout = described.get_layout()
    if layout == h5py.h5d.CHUNKED:
        return _in_chunks(dataset, array, needed, size)
    if layout == h5py.h5d.COMPACT and needed <= _MOST_COMPACT and not array.varying:
        return replace(array, data=h5py.Dataset(dataset)[()].tobytes())
    if layout != h5py.h5d.CONTIGUOUS or described.get_external_count():
        return replace(array, problem=f"is stored in another file or way; {_CURE}")
    offset = dataset.get_offset()
    if offset is None:
        return replace(array, problem="was never written")
    if dataset.get_storage_size() < needed or offset + needed > size:
        return replace(array, problem=f"needs {needed:,} bytes at offset {offset:,}, past the end")
    return replace(array, offset=offset)


def _in_chunks(dataset: Any, array: StoredArray, needed: int, size: int) -> StoredArray:
    import h5py

    assert array.layout is not None
    described = dataset.get_create_plist()
    filters = tuple(_filters(described))
    unknown = [number for number, _ in filters if number not in FILTERS]
    if unknown:
        return replace(array, problem=f"is packed with HDF5's filter {unknown[0]}; {_CURE}")
    shape = tuple(described.get_chunk())
    chunk_bytes = math.prod(shape) * array.layout.itemsize
    stored = _stored_chunks(dataset)
    if not stored:
        return replace(array, problem="was never written")
    for chunk in stored:
        if chunk.offset + chunk.size > size:
            told = f"has {chunk.size:,} bytes at offset {chunk.offset:,}, past the end"
            return replace(array, problem=told)
    held = min(size, sum(chunk.size for chunk in stored))
    alike = _MOST_ALIKE_PLACES if array.varying else _MOST_ALIKE
    most = min(held * _MOST_GROWTH + _FREE_GROWTH, held * _USUAL_GROWTH + alike)
    if needed > most or chunk_bytes > max(needed, _LARGEST_CHUNK):
        told = f"unpacks from {held:,} to {needed:,} bytes, as no weights do; give another file"
        return replace(array, problem=told)
    return replace(array, chunks=Chunks(shape, filters, stored, h5py.Dataset(dataset).fillvalue))


def _filters(described: Any) -> Iterator[tuple[int, tuple[int, ...]]]:
    for place in range(described.get_nfilters()):
        number, _, settings, _ = described.get_filter(place)
        yield number, tuple(settings)


def _stored_chunks(dataset: Any) -> tuple[Chunk, ...]:
    found: dict[tuple[int, ...], Chunk] = {}

    def add(info: Any) -> bool | None:
        start = tuple(info.chunk_offset)
        found[start] = Chunk(start, info.byte_offset, info.size, info.filter_mask)
        return True if len(found) > _MOST_CHUNKS else None

    dataset.chunk_iter(add)
    if len(found) > _MOST_CHUNKS:
        raise ValueError(f"it has more than {_MOST_CHUNKS:,} chunks")
    return tuple(found.values())
