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
    values = _fixed(data, ranges, fixed) if fixed else _varints(data, ranges)
    return _shaped(_as_dtype(values, dtype), shape)


def _shaped(values: "np.ndarray", shape: tuple[int, ...]) -> "np.ndarray":
    if values.size != math.prod(shape):
        raise WireError(f"holds {values.size:,} elements, shape {list(shape)} needs others")
    return values.reshape(shape)


def _as_dtype(values: "np.ndarray", dtype: str) -> "np.ndarray":
    import numpy as np

    wanted = numpy_dtype(dtype)
    if dtype in ("float16", "bfloat16"):
        return values.astype(np.uint16).view(wanted)
    return values.astype(wanted, copy=False)


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


def _varints(data: Data, ranges: list[tuple[int, int]]) -> "np.ndarray":
    """Decodes varints, all at once; negative numbers come out as int64."""
    import numpy as np

    raw = np.frombuffer(b"".join(data[begin:stop] for begin, stop in ranges), np.uint8)
    if raw.size == 0:
        return np.empty(0, np.int64)
    last = np.flatnonzero(raw < 0x80)
    if last.size == 0 or last[-1] != raw.size - 1:
        raise WireError("has a list that ends inside a number")
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
