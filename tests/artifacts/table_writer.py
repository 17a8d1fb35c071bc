"""Writes tables of sorted keys byte by byte, so that tests can make what TensorFlow never would."""

import struct

import cramjam
import google_crc32c

MAGIC = bytes.fromhex("57fb808b247547db")


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    """One protobuf field: a varint, or bytes with their length."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def fixed32(number: int, value: int) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<I", value)


def masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc_of(data: bytes) -> int:
    return masked(google_crc32c.value(data))


def shape(*sizes: int) -> bytes:
    return b"".join(field(2, field(1, size)) for size in sizes)


def entries(pairs: dict[bytes, bytes]) -> bytes:
    """A block without prefix compression."""
    body = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value
        for key, value in pairs.items()
    )
    return body + struct.pack("<II", 0, 1)


def with_trailer(block: bytes, codec: int = 0) -> bytes:
    stored = bytes(cramjam.snappy.compress_raw(block)) if codec == 1 else block
    stored += bytes([codec])
    return stored + struct.pack("<I", crc_of(stored))


def table(*blocks: dict[bytes, bytes], codecs: tuple[int, ...] = ()) -> bytes:
    """A whole file of the given blocks, keys in order."""
    out, index = b"", {}
    for number, pairs in enumerate(blocks):
        codec = codecs[number] if codecs else 0
        stored = with_trailer(entries(pairs), codec)
        index[max(pairs)] = varint(len(out)) + varint(len(stored) - 5)
        out += stored
    return finished(out, index)


def finished(out: bytes, index: dict[bytes, bytes]) -> bytes:
    """Adds the index block and the footer."""
    stored = with_trailer(entries(index))
    handles = varint(0) + varint(0) + varint(len(out)) + varint(len(stored) - 5)
    return out + stored + handles.ljust(40, b"\0") + MAGIC


def header(shards: int = 1, endianness: int = 0, min_consumer: int = 0) -> bytes:
    version = field(1, 1) + (field(2, min_consumer) if min_consumer else b"")
    return field(1, shards) + (field(2, endianness) if endianness else b"") + field(3, version)


def entry(dtype: int, sizes: tuple[int, ...], data: bytes, offset: int = 0, **changed) -> bytes:
    """A BundleEntryProto; `size` and `crc` may be given instead of the data's own."""
    parts = field(1, dtype) + field(2, shape(*sizes))
    parts += field(3, changed.get("shard", 0)) + field(4, offset)
    return parts + field(5, changed.get("size", len(data))) + fixed32(6, crc_of(data))


def write_bundle(directory, tensors: dict[bytes, bytes], data: bytes, **head) -> str:
    """Writes an index of serialized entries and one data file; returns the prefix."""
    prefix = directory / "made.ckpt"
    shards = head.get("shards", 1)
    pairs = {b"": header(**head)} | dict(sorted(tensors.items()))
    prefix.with_name("made.ckpt.index").write_bytes(table(pairs))
    prefix.with_name(f"made.ckpt.data-00000-of-{shards:05d}").write_bytes(data)
    return str(prefix)
