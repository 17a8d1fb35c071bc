"""The two messages in a bundle's index: its header, and the entry of one tensor.

Source: `tensorflow/core/protobuf/tensor_bundle.proto`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from tfinspect.artifacts.dtypes import dtype_name
from tfinspect.artifacts.slices import Extent, parse_shape, parse_slice
from tfinspect.artifacts.wire import LENGTH, WireError, fields, raw_fields, signed

# More data files than any cluster had; a broken header must not make millions of names.
_MOST_SHARDS = 100_000


@dataclass(frozen=True)
class BundleHeader:
    """How many data files there are (0 where it is not known), their byte order, and the reader's
    version they need.
    """

    num_shards: int
    big_endian: bool
    min_consumer: int


class BundleEntry(NamedTuple):
    """Type, shape and place of one tensor, or the slices that make it up."""

    dtype: str
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int
    slices: tuple[tuple[Extent, ...], ...]


def parse_header(data: bytes) -> BundleHeader:
    """Reads a BundleHeaderProto.

    Raises:
      WireError: it is none.
    """
    num_shards = endianness = min_consumer = 0
    for field in fields(data):
        if field.number == 1:
            num_shards = signed(field.value)
        elif field.number == 2:
            endianness = field.value
        elif field.number == 3 and field.wire_type == LENGTH:
            for part in fields(data, field.start, field.end):
                if part.number == 2:
                    min_consumer = part.value
    if not 0 < num_shards <= _MOST_SHARDS:
        raise WireError(f"its header says {num_shards} data files")
    return BundleHeader(num_shards, endianness == 1, min_consumer)


def parse_entry(data: bytes) -> BundleEntry:
    """Reads a BundleEntryProto.

    Raises:
      WireError: it is none, or has impossible values.
    """
    dtype = shard = offset = size = crc = 0
    shape: tuple[int, ...] | None = ()
    slices = []
    for number, wire_type, value, start, end in raw_fields(data, 0, len(data)):
        if number == 1:
            dtype = value
        elif number == 2 and wire_type == LENGTH:
            shape = parse_shape(data[start:end])
        elif number == 3:
            shard = signed(value)
        elif number == 4:
            offset = signed(value)
        elif number == 5:
            size = signed(value)
        elif number == 6:
            crc = value
        elif number == 7 and wire_type == LENGTH:
            slices.append(parse_slice(data[start:end]))
    if shape is None or min(shard, offset, size) < 0:
        raise WireError(f"shape {shape}, data file {shard}, offset {offset}, size {size}")
    return BundleEntry(dtype_name(dtype), shape, shard, offset, size, crc, tuple(slices))
