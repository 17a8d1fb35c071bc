"""Changes to an input that leave its frame whole, so that the fuzzer gets past checksums.

A mutator takes the input, the fuzzer's own mutation of bytes, and a source of chance.
"""

import contextlib
import functools
import io
import tempfile
import zipfile
from collections.abc import Callable
from random import Random

from fuzz import SCRATCH
from fuzz.packed import pack, unpack
from fuzz.seeds import table_writer
from tfinspect.artifacts.sstable import Table
from tfinspect.artifacts.wire import LENGTH, WireError, fields
from tfinspect.data.tfrecord import frame, read_records
from tfinspect.errors import TfinspectError

Mutate = Callable[[bytes], bytes]
Mutator = Callable[[bytes, Mutate, Random], bytes]
_DEEPEST = 12


def raw(data: bytes, mutate: Mutate, random: Random) -> bytes:
    del random
    return mutate(data)


def message(data: bytes, mutate: Mutate, random: Random) -> bytes:
    """Changes one field of a protobuf message, at any depth, and mends the lengths around it."""
    return _message(data, mutate, random, _DEEPEST)


def _message(data: bytes, mutate: Mutate, random: Random, depth: int) -> bytes:
    try:
        parts = [field for field in fields(data) if field.wire_type == LENGTH]
    except WireError:
        parts = []
    if not parts or not depth or random.random() < 0.15:
        return mutate(data)
    chosen = random.choice(parts)
    inner = _message(data[chosen.start : chosen.end], mutate, random, depth - 1)
    old = table_writer.varint(chosen.end - chosen.start)
    head = data[: chosen.start].removesuffix(old)
    return head + table_writer.varint(len(inner)) + inner + data[chosen.end :]


def table(data: bytes, mutate: Mutate, random: Random) -> bytes:
    """Changes a value, a key or a block of a table of sorted keys, with right checksums."""
    blocks = blocks_of(data) if random.random() < 0.85 else []
    if not blocks:
        return mutate(data)
    place = random.randrange(len(blocks))
    pairs = blocks[place]
    kind = random.random()
    if kind < 0.2:
        return _with_block(blocks, place, mutate(table_writer.entries(pairs)), random)
    key = random.choice(list(pairs))
    if kind < 0.3:
        pairs[mutate(key)] = pairs.pop(key)
        blocks[place] = dict(sorted(pairs.items()))
    else:
        pairs[key] = message(pairs[key], mutate, random)
    return table_writer.table(*blocks, codecs=tuple(random.randrange(2) for _ in blocks))


def blocks_of(data: bytes) -> list[dict[bytes, bytes]]:
    """Returns the keys and values of a table, block by block; nothing of a broken one."""
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as stream:
        stream.write(data)
        stream.flush()
        with contextlib.suppress(TfinspectError):
            found = Table(stream.name)
            blocks = [dict(found.read_block(block)) for block in found.blocks]
            return [block for block in blocks if block]
    return []


def _with_block(
    blocks: list[dict[bytes, bytes]], place: int, changed: bytes, random: Random
) -> bytes:
    out, index = b"", {}
    for number, pairs in enumerate(blocks):
        block = changed if number == place else table_writer.entries(pairs)
        stored = table_writer.with_trailer(block, random.randrange(2))
        index[max(pairs)] = table_writer.varint(len(out)) + table_writer.varint(len(stored) - 5)
        out += stored
    return table_writer.finished(out, index)


def archive(data: bytes, mutate: Mutate, random: Random) -> bytes:
    """Changes one member of a zip file, with right checksums and sizes."""
    members = {}
    if random.random() < 0.8:
        with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as found:
            members = {name: found.read(name) for name in found.namelist()}
    if not members:
        return mutate(data)
    name = random.choice(list(members))
    members[name] = mutate(members[name])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", random.choice((0, 8))) as made:
        for member, content in members.items():
            made.writestr(member, content)
    return out.getvalue()


def records(data: bytes, mutate: Mutate, random: Random) -> bytes:
    """Changes one record of a TFRecord file, with right checksums."""
    found = []
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as stream:
        stream.write(data)
        stream.flush()
        with contextlib.suppress(TfinspectError):
            found = [record.data for record in read_records(stream.name)]
    if not found or random.random() < 0.2:
        return mutate(data)
    place = random.randrange(len(found))
    found[place] = message(found[place], mutate, random)
    return b"".join(map(frame, found))


def files(*parts: Mutator) -> Mutator:
    """Returns a mutator of several packed files, which changes one of them."""
    return functools.partial(_one_of, parts)


def _one_of(parts: tuple[Mutator, ...], data: bytes, mutate: Mutate, random: Random) -> bytes:
    if random.random() < 0.05:
        return mutate(data)
    found = unpack(data, len(parts))
    place = random.randrange(len(parts))
    found[place] = parts[place](found[place], mutate, random)
    return pack(found)
