"""What the `.meta` file beside a checkpoint knows of its variables: collections, trainability.

The graph in it, nearly all of the file, is not looked at.
"""

import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfinspect.artifacts.variable_defs import TRAINABLE, held_by, variable_or_bytes
from tfinspect.artifacts.wire import LENGTH, WireError, fields
from tfinspect.entries import VariableEntry

_COLLECTION, _KEY, _VALUE = 4, 1, 2
_NODES, _BYTES = 1, 2
# Collections of the largest graphs take a few megabytes.
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Described:
    """Variables with what a `.meta` file says of them, and what is wrong with that file."""

    variables: tuple[VariableEntry, ...]
    problems: tuple[str, ...] = ()


def described(prefix: str, variables: Sequence[VariableEntry]) -> Described:
    """Adds trainability and collections from `PREFIX.meta`, if it is there, to variables.

    Slots and other variables that the graph has outside of `trainable_variables` are not
    trainable; of those that none of its collections holds nothing is said. A file that cannot be
    read, or that belongs to other variables, changes nothing and is a problem to tell.
    """
    path = f"{prefix}.meta"
    if not os.path.isfile(path):
        return Described(tuple(variables))
    try:
        collections = _collections(path)
    except (OSError, WireError) as error:
        told = f"'{path}' beside the checkpoint cannot be read ({error})"
        return Described(tuple(variables), (f"{told}: its collections are left out.",))
    held = held_by(collections)
    if not any(entry.name in held for entry in variables):
        told = f"'{path}' beside the checkpoint has none of its variables in a collection."
        return Described(tuple(variables), (told,))
    return Described(tuple(_with(variables, held, trains=TRAINABLE in collections)))


def _with(
    variables: Iterable[VariableEntry], held: Mapping[str, tuple[str, ...]], *, trains: bool
) -> Iterable[VariableEntry]:
    for entry in variables:
        holders = held.get(entry.name)
        if holders is None:
            yield entry
        else:
            trainable = TRAINABLE in holders if trains else None
            yield replace(entry, collections=holders, trainable=trainable)


def _collections(path: str) -> dict[str, list[Any]]:
    """Returns collection -> the names and variables in it, sorted by name."""
    if os.path.getsize(path) == 0:
        raise WireError("it is empty")
    with (
        open(path, "rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        places = [found for found in fields(data) if found.number == _COLLECTION]  # type: ignore[arg-type]
        if sum(place.end - place.start for place in places) > _MOST_BYTES:
            raise WireError(f"its collections take more than {_MOST_BYTES:,} bytes")
        found = [_collection(data[place.start : place.end]) for place in places]
    return dict(sorted(found))


def _collection(entry: bytes) -> tuple[str, list[Any]]:
    name = ""
    items: list[Any] = []
    for part in fields(entry):
        if part.wire_type != LENGTH:
            continue
        if part.number == _KEY:
            name = entry[part.start : part.end].decode("utf-8", "backslashreplace")
        elif part.number == _VALUE:
            for kind in fields(entry, part.start, part.end):
                if kind.number in (_NODES, _BYTES) and kind.wire_type == LENGTH:
                    items += _items(entry, name, kind)
    return name, items


def _items(entry: bytes, name: str, kind: Any) -> Iterable[Any]:
    for item in fields(entry, kind.start, kind.end):
        value = entry[item.start : item.end]
        if kind.number == _NODES:
            yield value.decode("utf-8", "backslashreplace")
        else:
            yield variable_or_bytes(name, value)
