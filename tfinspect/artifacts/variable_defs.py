"""Variables as graph collections describe them, read without the protobuf library.

Source: `tensorflow/core/framework/variable.proto` (VariableDef, SaveSliceInfoDef).
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfinspect.artifacts.wire import LENGTH, WireError, fields, signed, text, varint

TRAINABLE = "trainable_variables"
VARIABLE_COLLECTIONS = frozenset(
    {
        "variables",
        TRAINABLE,
        "model_variables",
        "local_variables",
        "moving_average_variables",
        "moving_vars",
        "global_step",
        "concatenated_variables",
        "metric_variables",
    }
)
_NAME, _INITIALIZER, _SNAPSHOT, _SLICE, _RESOURCE, _TRAINABLE = 1, 2, 3, 4, 5, 7
_LAST_FIELD = 9


@dataclass(frozen=True)
class VariableDef:
    """A variable as a collection describes it.

    Attributes:
      name: without `:0`.
      initializer: op that gives the first value.
      snapshot: tensor that reads it.
      is_resource: whether it is a resource variable.
      trainable: as written; files from before TensorFlow 1.13 never say so.
      full_name: name of the whole variable that this is a part of; None for a whole one.
      full_shape: shape of the whole; None for a whole one.
      offset: where the part begins in it; None for a whole one.
    """

    name: str
    initializer: str
    snapshot: str
    is_resource: bool
    trainable: bool
    full_name: str | None = None
    full_shape: tuple[int, ...] | None = None
    offset: tuple[int, ...] | None = None


# A variable stands in several collections, with the same bytes.
@functools.lru_cache(maxsize=4096)
def variable_def(value: bytes) -> VariableDef:
    """Reads a VariableDef.

    Raises:
      WireError: it is none.
    """
    texts = {_NAME: "", _INITIALIZER: "", _SNAPSHOT: ""}
    numbers = {_RESOURCE: 0, _TRAINABLE: 0}
    part: tuple[Any, ...] = (None, None, None)
    for field in fields(value):
        if field.number in texts and field.wire_type == LENGTH:
            texts[field.number] = text(value, field)
        elif field.number in numbers:
            numbers[field.number] = field.value
        elif field.number == _SLICE and field.wire_type == LENGTH:
            part = _slice(value, field.start, field.end)
    name = texts[_NAME].removesuffix(":0")
    described = (texts[_INITIALIZER], texts[_SNAPSHOT])
    return VariableDef(name, *described, bool(numbers[_RESOURCE]), bool(numbers[_TRAINABLE]), *part)


def _slice(value: bytes, start: int, end: int) -> tuple[Any, ...]:
    """Returns full name, full shape and offset of a SaveSliceInfoDef; three None without a name."""
    name, sizes = "", {2: [], 3: []}  # type: ignore[var-annotated]
    for field in fields(value, start, end):
        if field.number == 1 and field.wire_type == LENGTH:
            name = text(value, field)
        elif field.number in sizes:
            sizes[field.number] += _numbers(value, field)
    return (name, tuple(sizes[2]), tuple(sizes[3])) if name else (None, None, None)


def _numbers(value: bytes, field: Any) -> Iterator[int]:
    if field.wire_type != LENGTH:
        yield signed(field.value)
        return
    position = field.start
    while position < field.end:
        number, position = varint(value, position, field.end)
        yield signed(number)


def variable_or_bytes(collection: str, value: bytes) -> VariableDef | bytes:
    """Reads an item of a collection that is, or can only be, a VariableDef; else its bytes."""
    try:
        if collection in VARIABLE_COLLECTIONS:
            return variable_def(value)
        numbers = {field.number for field in fields(value)}
        if {_NAME, _INITIALIZER, _SNAPSHOT} <= numbers <= set(range(1, _LAST_FIELD + 1)):
            found = variable_def(value)
            if found.name and found.initializer.startswith(found.name) and found.snapshot:
                return found
    except WireError:
        pass
    return value


def held_by(collections: Mapping[str, Sequence[Any]]) -> dict[str, tuple[str, ...]]:
    """Returns name of a variable, whole or a part of one -> the collections that hold it.

    Args:
      collections: name -> its decoded items; a text is a tensor's name, and may be a variable's.
    """
    held: dict[str, tuple[str, ...]] = {}
    wholes: dict[str, str] = {}
    for collection, items in collections.items():
        for item in dict.fromkeys(items):
            if isinstance(item, VariableDef):
                name = item.name
                if item.full_name:
                    wholes[item.full_name] = name
            elif isinstance(item, str):
                name = item.removesuffix(":0")
            else:
                continue
            held[name] = (*held.get(name, ()), collection)
    for whole, part in wholes.items():
        held.setdefault(whole, held[part])
    return held
