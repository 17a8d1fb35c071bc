"""Values that a V1 checkpoint keeps in the typed lists of a TensorProto.

Source: `tensorflow/core/framework/tensor.proto`; which list holds which type:
`tensorflow/core/util/saved_tensor_slice_util.h`.
"""

import math
from typing import TYPE_CHECKING

from tfinspect.artifacts.dtypes import numpy_dtype
from tfinspect.artifacts.file_part import Data
from tfinspect.artifacts.wire import LENGTH, VARINT, WireError, fields, raw_fields

if TYPE_CHECKING:
    import numpy as np

# dtype -> (field of its list, NumPy type of a fixed-width element or None for varints)
_LISTS = {
    "float32": (5, "<f4"),
    "float64": (6, "<f8"),
    "complex64": (9, "<c8"),
    "complex128": (12, "<c16"),
    "int64": (10, None),
    "bool": (11, None),
    "float16": (13, None),
    "bfloat16": (13, None),
    "uint32": (16, None),
    "uint64": (17, None),
} | dict.fromkeys(
    ("int32", "int16", "int8", "uint16", "uint8", "qint8", "quint8", "qint16", "quint16", "qint32"),
    (7, None),
)
_STRINGS = 8
# Numbers of one to ten bytes become eight, with as much again to work with: a batch at a time.
_BATCH = 1 << 18
# TensorFlow packs a list into one piece; every piece takes some hundred bytes of memory.
_MOST_PIECES = 1 << 20
READABLE_TYPES = frozenset(_LISTS) | {"string"}


def decode_tensor(
    data: Data, start: int, end: int, dtype: str, shape: tuple[int, ...]
) -> "np.ndarray":
    """Reads the elements of the TensorProto in `data[start:end]`.

    Returns:
      A read-only array of the shape; strings as an object array of `bytes`.

    Raises:
      WireError: it is no TensorProto, or has another number of elements.
    """
    if dtype == "string":
        return _strings(data, start, end, shape)
    number, fixed = _LISTS[dtype]
    ranges = []
    for found, wire_type, _, begin, stop in raw_fields(data, start, end):
        if found == number:
            packed = wire_type in (LENGTH, VARINT) or fixed is not None
            if not packed:
                raise WireError(f"has wire type {wire_type} in a list of {dtype}")
            ranges.append((begin, stop))
            if len(ranges) > _MOST_PIECES:
                raise WireError(f"has a list in more than {_MOST_PIECES:,} pieces")
    if fixed:
        return _shaped(_fixed(data, ranges, fixed), shape)
    return _shaped(_varints(data, ranges, dtype), shape)


def _shaped(values: "np.ndarray", shape: tuple[int, ...]) -> "np.ndarray":
    if values.size != math.prod(shape):
        raise WireError(f"holds {values.size:,} elements, shape {list(shape)} needs others")
    return values.reshape(shape)


def _fixed(data: Data, ranges: list[tuple[int, int]], fixed: str) -> "np.ndarray":
    import numpy as np

    dtype = np.dtype(fixed)
    if any((stop - begin) % dtype.itemsize for begin, stop in ranges):
        raise WireError("holds a part of an element")
    parts = [
        np.frombuffer(data, dtype, (stop - begin) // dtype.itemsize, begin)
        for begin, stop in ranges
    ]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])


def _varints(data: Data, ranges: list[tuple[int, int]], dtype: str) -> "np.ndarray":
    """Decodes varints, a batch at a time, into an array of their type."""
    import numpy as np

    raw = np.frombuffer(b"".join(data[begin:stop] for begin, stop in ranges), np.uint8)
    if raw.size and raw[-1] >= 0x80:
        raise WireError("has a list that ends inside a number")
    wanted = numpy_dtype(dtype)
    # Half floats stand as the integers with the same bits.
    halves = dtype in ("float16", "bfloat16")
    values = np.empty(np.count_nonzero(raw < 0x80), np.uint16 if halves else wanted)
    start = count = 0
    while start < raw.size:
        last = np.flatnonzero(raw[start : start + _BATCH] < 0x80)
        if last.size == 0:
            raise WireError("has a number of more than ten bytes")
        numbers = _numbers(raw[start : start + last[-1] + 1], last)
        values[count : count + last.size] = numbers.astype(values.dtype)
        start, count = start + int(last[-1]) + 1, count + last.size
    return values.view(wanted)


def _numbers(raw: "np.ndarray", last: "np.ndarray") -> "np.ndarray":
    """Decodes the varints whose last bytes stand at some places; negative ones as int64."""
    import numpy as np

    if last.size == raw.size:
        return raw.astype(np.int64)
    first = np.concatenate([[0], last[:-1] + 1])
    sizes = last - first + 1
    if sizes.max() > 10:
        raise WireError("has a number of more than ten bytes")
    places = np.arange(raw.size) - np.repeat(first, sizes)
    shifted = (raw & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    return np.add.reduceat(shifted, first).view(np.int64)


def string_bytes(data: Data, start: int, end: int) -> int:
    """Returns the size of all strings of a TensorProto, without NumPy.

    Raises:
      WireError: it is no TensorProto.
    """
    return sum(
        field.end - field.start
        for field in fields(data, start, end)
        if field.number == _STRINGS and field.wire_type == LENGTH
    )


def _strings(data: Data, start: int, end: int, shape: tuple[int, ...]) -> "np.ndarray":
    import numpy as np

    found = [
        bytes(data[field.start : field.end])
        for field in fields(data, start, end)
        if field.number == _STRINGS and field.wire_type == LENGTH
    ]
    values = np.empty(len(found), object)
    values[:] = found
    return _shaped(values, shape)
