"""The protobuf wire format, enough of it to read small messages without importing protobuf.

Source: protobuf.dev, "Encoding". Sub-messages and strings come as ranges of the same buffer, so
that a tensor of any size is found without being copied.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tfinspect.artifacts.file_part import Data

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {FIXED32: 4, FIXED64: 8}
_SIGN_BIT = 1 << 63
_LONGEST_VARINT = 10


class WireError(ValueError):
    """Bytes that are no protobuf message; the text says where."""


class Field(NamedTuple):
    """One field: its number, wire type, value of a number, and its range in the buffer."""

    number: int
    wire_type: int
    value: int
    start: int
    end: int


def varint(data: Data, position: int, end: int) -> tuple[int, int]:
    """Reads one unsigned varint and returns it with the position behind it.

    Raises:
      WireError: it is cut off or longer than ten bytes.
    """
    if position < end and data[position] < 0x80:
        return data[position], position + 1
    result = shift = 0
    last = min(end, position + _LONGEST_VARINT)
    for place in range(position, last):
        byte = data[place]
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, place + 1
        shift += 7
    raise WireError(f"a number at byte {position} of its message is cut off")


def signed(value: int) -> int:
    """Turns an unsigned varint into the int64 it stands for."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value & _SIGN_BIT else value


def raw_fields(data: Data, position: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yields what `fields` does as plain tuples, for messages that come by the hundred thousand.

    Raises:
      WireError: the bytes are no message.
    """
    while position < end:
        tag = data[position]
        position += 1
        if tag >= 0x80:
            tag, position = varint(data, position - 1, end)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError(f"field 0 at byte {position} of its message")
        begin, value = position, 0
        if wire_type == VARINT:
            value, position = varint(data, position, end)
        elif wire_type == LENGTH:
            size, begin = varint(data, position, end)
            position = begin + size
        elif wire_type in _FIXED_BYTES:
            position += _FIXED_BYTES[wire_type]
            value = int.from_bytes(data[begin:position], "little")
        else:
            raise WireError(f"wire type {wire_type} at byte {begin} of its message")
        if position > end:
            raise WireError(f"field {number} at byte {begin} ends behind its message")
        yield number, wire_type, value, begin, position


def fields(data: Data, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yields the fields of the message in `data[start:end]`, in their order.

    Raises:
      WireError: the bytes are no message.
    """
    return map(Field._make, raw_fields(data, start, len(data) if end is None else end))


def text(data: Data, field: Field) -> str:
    """Returns a string field; bytes that are no UTF-8 are escaped."""
    return bytes(data[field.start : field.end]).decode("utf-8", "backslashreplace")
