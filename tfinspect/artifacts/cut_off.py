"""What a file without an ending once was, told by its beginning.

A V1 checkpoint is known by its last bytes, so one that was cut off is of no known format. But the
first entry of its first block, which is never compressed, describes all tensors, and its lengths
have to agree with one another (`saved_tensor_slice.proto`; `tensor_slice_writer.cc`).
"""

import os
from dataclasses import dataclass

from tfinspect.artifacts.locate import first_bytes
from tfinspect.artifacts.wire import WireError, varint

# An entry that shares nothing with the one before and whose key is empty.
_FIRST_ENTRY = b"\0\0"
# Fields `meta` of SavedTensorSlices, `tensor` of its meta, `name` of a tensor.
_MESSAGE = b"\x0a"
_LONGEST_BEGINNING = 64
# Of a million variables; a broken file may claim any length.
_LONGEST_DESCRIPTION = 64 << 20
# The beginning of a compressed file, and what unpacks one that is no archive.
_PACKED = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ\0": "unxz"}


@dataclass(frozen=True)
class Description:
    """Where in a file the description of a V1 checkpoint's tensors lies."""

    start: int
    end: int


def described_slices(data: bytes) -> Description | None:
    """Returns the description that a V1 checkpoint begins with; None where it is no such file."""
    if not data.startswith(_FIRST_ENTRY):
        return None
    try:
        length, start = varint(data, len(_FIRST_ENTRY), len(data))
        meta, position = _message(data, start)
        if length != position - start + meta:
            return None
        tensor, position = _message(data, position)
        name, named = _message(data, position)
    except WireError:
        return None
    fits = tensor <= meta and named - position + name <= tensor
    return Description(start, start + length) if fits else None


def _message(data: bytes, position: int) -> tuple[int, int]:
    """Returns the length of a sub-message in field 1, and where it starts."""
    if data[position : position + 1] != _MESSAGE:
        raise WireError(f"no field 1 at byte {position}")
    return varint(data, position + 1, len(data))


def told_by_its_beginning(path: str) -> str | None:
    """Says what is wrong with a file of no known format, and the cure; None where it is not known.

    Returns:
      A text that goes on behind the file's name.
    """
    beginning = first_bytes(path, _LONGEST_BEGINNING)
    for magic, command in _PACKED.items():
        if beginning.startswith(magic):
            return (
                "is compressed; unpack it (an archive with 'tar -xf', a single file with "
                f"'{command}'), and give what was in it. If it ends too early, get it again from "
                "where it came."
            )
    found = described_slices(beginning)
    if found is None:
        return None
    return (
        "begins like a V1 checkpoint and does not end like one: it was probably cut off at byte "
        f"{os.path.getsize(path):,}{_described(path, found)}; get the file again from where it "
        "came."
    )


def _described(path: str, found: Description) -> str:
    # A reader of values, which this module is asked for when nothing else can be read.
    from tfinspect.artifacts.dtypes import element_bytes
    from tfinspect.artifacts.saved_slices import parse_meta

    if found.end - found.start > _LONGEST_DESCRIPTION:
        return ""
    if found.end > os.path.getsize(path):
        return f", inside the description of its variables, which ends at byte {found.end:,}"
    try:
        saved = parse_meta(first_bytes(path, found.end)[found.start :], 0)
    except WireError:
        return ""
    size = sum(one.elements * element_bytes(one.dtype) for one in saved)
    return f", and the {len(saved):,} variables that it describes have {size:,} bytes"
