"""Slices of partitioned variables: how a file describes them, names them, and how they join.

Sources: `tensorflow/core/framework/tensor_{shape,slice}.proto`,
`tensorflow/core/util/saved_tensor_slice_util.cc` (EncodeTensorNameSlice) and
`tensorflow/core/lib/strings/ordered_code.cc` for the keys.
"""

import functools
import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from tfinspect.artifacts.wire import LENGTH, VARINT, WireError, fields, signed

if TYPE_CHECKING:
    import numpy as np

# TensorFlow's own limits: dimensions of a tensor, and elements as an int64.
_MOST_DIMENSIONS = 254
_MOST_ELEMENTS = (1 << 63) - 1
_WHOLE = -1
# Inside a key these two bytes are followed by the other one.
_ESCAPED = re.compile(rb"[\x00\xff]")
_BEHIND = {b"\x00": b"\xff", b"\xff": b"\x00"}


class Extent(NamedTuple):
    """Start and length of a slice along one axis; length -1 is the whole axis."""

    start: int
    length: int

    def resolved(self, size: int) -> tuple[int, int]:
        """Returns start and stop on an axis of a size.

        Raises:
          WireError: it does not lie inside the axis.
        """
        start, stop = (0, size) if self.length == _WHOLE else (self.start, self.start + self.length)
        if not 0 <= start <= stop <= size:
            raise WireError(f"a slice from {start} to {stop} of an axis of {size}")
        return start, stop


@functools.lru_cache(maxsize=4096)
def parse_shape(data: bytes) -> tuple[int, ...] | None:
    """Reads a TensorShapeProto; None for unknown rank. Networks repeat few shapes many times.

    Raises:
      WireError: it is no shape, or one whose number of elements TensorFlow could not hold.
    """
    shape, unknown = [], False
    for field in fields(data):
        if field.number == 2 and field.wire_type == LENGTH:
            sizes = [
                part.value for part in fields(data, field.start, field.end) if part.number == 1
            ]
            shape.append(signed(sizes[-1]) if sizes else 0)
        elif field.number == 3:
            unknown = bool(field.value)
    if unknown:
        return None
    if len(shape) > _MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise WireError(f"a shape that no tensor has: {shape[:8]}")
    if math.prod(shape) > _MOST_ELEMENTS:
        raise WireError(f"the shape {shape} overflows")
    return tuple(shape)


@functools.lru_cache(maxsize=4096)
def parse_slice(data: bytes) -> tuple[Extent, ...]:
    """Reads a TensorSliceProto; nearly all are of whole tensors, and so the same bytes.

    Raises:
      WireError: it is no slice.
    """
    extents = []
    for field in fields(data):
        if field.number != 1 or field.wire_type != LENGTH:
            continue
        begin, length = 0, _WHOLE
        for part in fields(data, field.start, field.end):
            if part.number == 1 and part.wire_type == VARINT:
                begin = signed(part.value)
            elif part.number == 2 and part.wire_type == VARINT:
                length = signed(part.value)
        extents.append(Extent(begin, length))
    return tuple(extents)


@functools.lru_cache(maxsize=4096)
def slice_shape(extents: tuple[Extent, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape of one slice of a variable.

    Raises:
      WireError: the slice does not lie inside the variable.
    """
    if len(extents) != len(shape):
        raise WireError(f"a slice with {len(extents)} axes of a tensor with {len(shape)}")
    ranges = (extent.resolved(size) for extent, size in zip(extents, shape, strict=True))
    return tuple(stop - start for start, stop in ranges)


def slice_key(name: bytes, extents: tuple[Extent, ...]) -> bytes:
    """Returns the key under which a slice of a variable is stored."""
    escaped = _ESCAPED.sub(lambda found: found[0] + _BEHIND[found[0]], name)
    return _unsigned(0) + escaped + b"\x00\x01" + _extents_key(extents)


@functools.lru_cache(maxsize=4096)
def _extents_key(extents: tuple[Extent, ...]) -> bytes:
    parts = [_unsigned(len(extents))]
    for extent in extents:
        parts += [_signed(extent.start), _signed(extent.length)]
    return b"".join(parts)


def _unsigned(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _signed(value: int) -> bytes:
    # The first `size` bits say how long the code is, inverted for negative numbers.
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    code = bytearray(value.to_bytes(10, "big", signed=True)[-size:])
    header = ((1 << size) - 1) << (16 - size)
    code[0] ^= header >> 8
    if size > 1:
        code[1] ^= header & 0xFF
    return bytes(code)


def assemble(
    shape: tuple[int, ...],
    dtype: "np.dtype",
    slices: Iterable[tuple[Extent, ...]],
    read: Callable[[tuple[Extent, ...]], "np.ndarray"],
    index: Any = ...,
) -> "np.ndarray":
    """Puts a partitioned variable together, one slice at a time.

    Args:
      shape: of the whole.
      dtype: of the whole.
      slices: all of them.
      read: from a slice to its value.
      index: what of the whole is wanted; slices that hold nothing of it are not read.

    Returns:
      The whole, of which only what the index asks for has its value.

    Raises:
      WireError: the slices overlap or leave gaps.
      IndexError: the shape has no such part.
    """
    import numpy as np

    places = {}
    for extents in slices:
        slice_shape(extents, shape)
        ranges = (extent.resolved(size) for extent, size in zip(extents, shape, strict=True))
        places[extents] = tuple(slice(*bounds) for bounds in ranges)
    covered = sum(math.prod(axis.stop - axis.start for axis in place) for place in places.values())
    if covered != math.prod(shape):
        raise WireError(f"has slices of {covered:,} elements where it has {math.prod(shape):,}")
    wanted = reached(index, shape)
    # The parts are read before the whole is allocated: what is declared must be there.
    parts = {extents: read(extents) for extents, place in places.items() if meet(place, wanted)}
    whole, filled = np.empty(shape, dtype), np.zeros(shape, bool)
    for extents, part in parts.items():
        place = places[extents]
        if filled[place].any():
            raise WireError("has slices that overlap")
        filled[place], whole[place] = True, part
    return whole


def reached(index: Any, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Returns on each axis the first place that an index asks for, and the one behind the last.

    Raises:
      IndexError: the shape has no such part.
    """
    items = list(index) if isinstance(index, tuple) else [index]
    simple = (int, slice, type(...))
    if not all(isinstance(item, simple) and not isinstance(item, bool) for item in items):
        return [(0, size) for size in shape]
    if ... not in items:
        items.append(...)
    at = items.index(...)
    items[at : at + 1] = [slice(None)] * (len(shape) - len(items) + 1)
    if len(items) != len(shape):
        raise IndexError(f"too many indices: it has {len(shape)} axes")
    return [_reach(item, size) for item, size in zip(items, shape, strict=True)]


def _reach(item: int | slice, size: int) -> tuple[int, int]:
    if isinstance(item, int):
        place = range(size)[item]
        return place, place + 1
    if item.step == 0:
        raise IndexError("a slice with the step 0")
    places = range(*item.indices(size))
    return (min(places[0], places[-1]), max(places[0], places[-1]) + 1) if places else (0, 0)


def meet(place: tuple[slice, ...], wanted: list[tuple[int, int]]) -> bool:
    """Tells whether a part of a tensor holds anything of what is reached."""
    return all(
        axis.start < stop and start < axis.stop
        for axis, (start, stop) in zip(place, wanted, strict=True)
    )
