"""The filters of HDF5's chunks, undone without libhdf5, which would load others from anywhere.

Source: "HDF5 File Format Specification Version 3.0", IV.A.2.l (filter pipeline message), and for
the checksum `H5_checksum_fletcher32` in `src/H5checksum.c`.
"""

import zlib
from collections.abc import Callable

_WORDS = 1 << 16
_MODULUS = 65535


def unpacked(
    data: bytes, filters: tuple[tuple[int, tuple[int, ...]], ...], mask: int, size: int
) -> bytes:
    """Undoes the filters of one chunk, the last one first.

    Args:
      data: the stored bytes.
      filters: number and settings of each, in the order in which they were applied.
      mask: bit n is set where filter n was left out for this chunk.
      size: bytes of the chunk.

    Raises:
      ValueError: the bytes are broken.
    """
    for place in reversed(range(len(filters))):
        if not mask >> place & 1:
            number, settings = filters[place]
            data = FILTERS[number](data, settings, size)
    if len(data) != size:
        raise ValueError(f"a chunk has {len(data):,} bytes, not {size:,}")
    return data


def _inflated(data: bytes, settings: tuple[int, ...], size: int) -> bytes:
    del settings
    # A checksum may stand behind the chunk's own bytes.
    unpacking, most = zlib.decompressobj(), size + 4
    try:
        found = unpacking.decompress(data, most)
    except zlib.error as error:
        raise ValueError(f"a chunk cannot be unpacked: {error}") from error
    if not unpacking.eof and unpacking.decompress(unpacking.unconsumed_tail, 1):
        raise ValueError(f"a chunk unpacks to more than its {size:,} bytes")
    return found


def _unshuffled(data: bytes, settings: tuple[int, ...], size: int) -> bytes:
    import numpy as np

    del size
    width = settings[0] if settings else 1
    if width <= 1:
        return data
    whole = len(data) // width * width
    columns = np.frombuffer(data, np.uint8, whole).reshape(width, -1)
    return columns.T.tobytes() + data[whole:]


def _verified(data: bytes, settings: tuple[int, ...], size: int) -> bytes:
    del settings, size
    body, stored = data[:-4], int.from_bytes(data[-4:], "little")
    if len(data) < 4 or fletcher32(body) != stored:
        raise ValueError("a chunk does not match its checksum")
    return body


def fletcher32(data: bytes) -> int:
    """Returns the checksum that HDF5 puts behind a chunk."""
    import numpy as np

    words = np.frombuffer(data + b"\0" * (len(data) & 1), ">u2").astype(np.uint64)
    low = high = 0
    for start in range(0, len(words), _WORDS):
        part = words[start : start + _WORDS]
        weights = np.arange(len(part), 0, -1, dtype=np.uint64)
        high += low * len(part) + int((part * weights).sum())
        low += int(part.sum())
    # Sums are folded, not divided: a multiple of the modulus stays the modulus.
    return _folded(high) << 16 | _folded(low)


def _folded(total: int) -> int:
    return (total - 1) % _MODULUS + 1 if total else 0


# Number in the file -> how to undo it.
FILTERS: dict[int, Callable[[bytes, tuple[int, ...], int], bytes]] = {
    1: _inflated,
    2: _unshuffled,
    3: _verified,
}
