"""Values of HDF5 datasets, read from their place in the file without libhdf5."""

import contextlib
import math
import mmap
from typing import IO, TYPE_CHECKING, Any

from tfinspect.artifacts.hdf5_filters import unpacked
from tfinspect.artifacts.hdf5_layout import Chunk, StoredArray
from tfinspect.artifacts.object_header import Bytes, GlobalHeaps
from tfinspect.artifacts.slices import meet, reached

if TYPE_CHECKING:
    import numpy as np

Source = str | IO[bytes]
# On each axis the first place that is wanted, and the one behind the last.
Ranges = list[tuple[int, int]]


def value_of(array: StoredArray, source: Source, base: int = 0, index: Any = ...) -> "np.ndarray":
    """Maps the value of an array that can be read; what is packed, strings, booleans are copied.

    Args:
      array: one without a problem.
      source: the file that holds the HDF5 file: its path, or a stream with a file descriptor.
      base: offset of the HDF5 file in it.
      index: which part is wanted; chunks that hold nothing of it are neither read nor unpacked.

    Raises:
      OSError, ValueError: a chunk is broken, or the file is no longer what it was.
      IndexError: the shape has no such part.
    """
    import numpy as np

    wanted = reached(index, array.shape)
    stored = np.asarray(_stored(array, source, base, wanted)[index])
    if array.varying:
        return _strings(stored, stored.shape, source, base)
    if array.dtype == "string":
        return stored.astype(object)
    if array.dtype == "bool":
        return np.not_equal(stored.view(np.uint8), 0)
    return stored if stored.dtype.isnative else stored.astype(stored.dtype.newbyteorder("="))


def _stored(array: StoredArray, source: Source, base: int, wanted: Ranges) -> "np.ndarray":
    """Returns the whole array as it is stored, of which only what is wanted has its value."""
    import numpy as np

    assert array.layout is not None
    if array.chunks is not None:
        with contextlib.closing(_mapping(source)) as mapped:
            return _joined(array, _bytes(mapped, base), wanted)
    if array.offset is not None:
        place = base + array.offset
        return np.asarray(
            np.memmap(source, array.layout, "r", place, array.shape)  # type: ignore[call-overload]
        )
    return np.frombuffer(array.data, array.layout).reshape(array.shape)


def _mapping(source: Source) -> mmap.mmap:
    if not isinstance(source, str):
        return mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
    with open(source, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _bytes(mapped: mmap.mmap, base: int) -> Bytes:
    return Bytes(mapped, base, len(mapped) - base)


def _joined(array: StoredArray, data: Bytes, wanted: Ranges) -> "np.ndarray":
    """Unpacks the chunks one after the other into their places; what was not written is filled."""
    import numpy as np

    chunks = array.chunks
    assert chunks is not None
    assert array.layout is not None
    size = math.prod(chunks.shape) * array.layout.itemsize
    whole = np.empty(array.shape, array.layout)
    # Strings of any length that were not written are empty.
    fill = np.zeros((), array.layout) if array.varying else chunks.fill
    whole[tuple(slice(*bounds) for bounds in wanted)] = fill
    for chunk in chunks.stored:
        place = _place(chunk, chunks.shape, array.shape)
        if not meet(place, wanted):
            continue
        raw = unpacked(data.part(chunk.offset, chunk.size), chunks.filters, chunk.mask, size)
        block = np.frombuffer(raw, array.layout).reshape(chunks.shape)
        whole[place] = block[tuple(slice(0, part.stop - part.start) for part in place)]
    return whole


def _place(chunk: Chunk, shape: tuple[int, ...], whole: tuple[int, ...]) -> tuple[slice, ...]:
    """Returns the part of the whole that a chunk fills; at an edge less than its shape."""
    bounds = zip(chunk.start, shape, whole, strict=True)
    return tuple(slice(min(at, most), min(at + length, most)) for at, length, most in bounds)


def _strings(
    stored: "np.ndarray", shape: tuple[int, ...], source: Source, base: int
) -> "np.ndarray":
    import numpy as np

    with contextlib.closing(_mapping(source)) as mapped:
        data = _bytes(mapped, base)
        found = GlobalHeaps(data).objects(stored.tobytes(), most=data.size)
    values = np.empty(len(found), object)
    values[:] = found
    return values.reshape(shape)
