"""Several files as one input of the fuzzer: each behind its length."""

import struct
from collections.abc import Sequence


def pack(files: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(data)) + data for data in files)


def unpack(data: bytes, count: int) -> list[bytes]:
    """Returns `count` files, whatever the bytes are: cut short and empty where they end."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4], "little")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found
