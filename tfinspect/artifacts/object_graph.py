"""Readable names for object-based checkpoints, from the graph of objects they carry.

Source: `tensorflow/core/protobuf/trackable_object_graph.proto`.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tfinspect.artifacts.wire import LENGTH, WireError, fields, text

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_ATTRIBUTES = "/.ATTRIBUTES/"
_SLOT_MARK = "/.OPTIMIZER_SLOT/"

_LAYER = re.compile(r"(/)_?(?:operations|layers)/(\d+)(?=/|$)")


class ReadableName(NamedTuple):
    """A variable's name for people, and whether it is an optimizer's."""

    name: str
    slot: bool


@dataclass
class _Object:
    children: list[tuple[str, int]] = field(default_factory=list)
    # Checkpoint key and the variable's own name, of every stored attribute.
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    # Name of the slot, object of the variable, object of the slot's variable.
    slots: list[tuple[str, int, int]] = field(default_factory=list)


def readable_names(graph: bytes, keys: Sequence[str]) -> Mapping[str, ReadableName]:
    """Names every key of an object-based checkpoint.

    A variable gets the shortest path of attribute names to it, public ones before private ones and
    `layer-1` before `layer_with_weights-0`, that does not lead through an optimizer; one that only
    an optimizer reaches is a slot, and stands below the optimizer under the variable's own name.

    Args:
      graph: a serialized TrackableObjectGraph; empty to go by the keys alone.
      keys: the keys of the checkpoint.

    Raises:
      WireError: the graph is no such message or points outside itself.
    """
    objects = _parse(graph)
    named: dict[str, ReadableName] = {}
    for key, name in _walk(objects):
        named.setdefault(key, name)
    for key in keys:
        named.setdefault(key, _from_key(key))
    return _unambiguous(named)


def _from_key(key: str) -> ReadableName:
    variable, mark, slot = key.partition(_SLOT_MARK)
    if mark:
        return ReadableName(f"{_plain(slot)}/{variable}", True)
    return ReadableName(_plain(key), False)


def _plain(key: str) -> str:
    return key.removesuffix(_VALUE_SUFFIX).replace(_ATTRIBUTES, "/")


def _unambiguous(named: dict[str, ReadableName]) -> dict[str, ReadableName]:
    holders: dict[str, int] = {}
    for name, _ in named.values():
        holders[name] = holders.get(name, 0) + 1
    return {
        key: found if holders[found.name] == 1 else ReadableName(_plain(key), found.slot)
        for key, found in named.items()
    }


def _parse(graph: bytes) -> list[_Object]:
    objects = [
        _parse_object(graph, node.start, node.end)
        for node in fields(graph)
        if node.number == 1 and node.wire_type == LENGTH
    ]
    for found in objects:
        ends = [number for _, number in found.children]
        ends += [number for _, *pair in found.slots for number in pair]
        if any(number >= len(objects) for number in ends):
            raise WireError(f"the object graph points outside its {len(objects)} objects")
    return objects


def _parse_object(graph: bytes, start: int, end: int) -> _Object:
    found = _Object()
    for part in fields(graph, start, end):
        if part.wire_type != LENGTH:
            continue
        texts, numbers = _parse_part(graph, part.start, part.end)
        if part.number == 1:
            found.children.append((texts.get(2, ""), numbers.get(1, 0)))
        elif part.number == 2:
            found.attributes.append((texts.get(3, ""), texts.get(2, ""), texts.get(1, "")))
        elif part.number == 3:
            found.slots.append((texts.get(2, ""), numbers.get(1, 0), numbers.get(3, 0)))
    return found


def _parse_part(graph: bytes, start: int, end: int) -> tuple[dict[int, str], dict[int, int]]:
    texts, numbers = {}, {}
    for part in fields(graph, start, end):
        if part.wire_type == LENGTH:
            texts[part.number] = text(graph, part)
        else:
            numbers[part.number] = part.value
    return texts, numbers


def _walk(objects: list[_Object]) -> Iterator[tuple[str, ReadableName]]:
    """Yields (key, name): the model's variables first, then those of optimizers alone."""
    if not objects:
        return
    optimizers = {number for number, found in enumerate(objects) if _is_optimizer(found)}
    paths = _paths(objects, {0: ""}, closed=optimizers)
    for number, path in paths.items():
        if number not in optimizers:
            yield from _stored(objects[number], path, slot=False)
    for number in [number for number in paths if number in optimizers]:
        yield from _slots(objects, number, paths)


def _slots(
    objects: list[_Object], optimizer: int, paths: dict[int, str]
) -> Iterator[tuple[str, ReadableName]]:
    base = paths[optimizer]
    for label, variable, value in objects[optimizer].slots:
        if variable in paths:
            name = _join(base, label, paths[variable])
            yield from _stored(objects[value], name, slot=True)
    for number, path in _paths(objects, {optimizer: base}, closed=set()).items():
        found = objects[number]
        own = found.attributes[0][1] if found.attributes else ""
        # `_trainable_variables` of Keras 3 are the model's, even if nothing else leads to them.
        slot = "_trainable_variables/" not in path
        # A number in a list of slots says less than the slot's own name.
        numbered = path.rpartition("/")[2].isdecimal()
        yield from _stored(found, _join(base, own) if own and numbered else path, slot=slot)


def _is_optimizer(found: _Object) -> bool:
    names = {name.lstrip("_") for name, _ in found.children}
    steps = bool(names & {"iterations", "iter"})
    return bool(found.slots) or (steps and "learning_rate" in names)


def _paths(objects: list[_Object], start: dict[int, str], closed: set[int]) -> dict[int, str]:
    """Returns the shortest path to every object, breadth first, not through closed objects."""
    paths, waiting = dict(start), deque(start)
    while waiting:
        number = waiting.popleft()
        if number in closed:
            continue
        for name, child in sorted(objects[number].children, key=_preference):
            if child not in paths:
                paths[child] = _join(paths[number], name)
                waiting.append(child)
    return paths


def _preference(child: tuple[str, int]) -> int:
    name = child[0]
    if name in ("_variables", "variables", "trainable_variables", "keras_api"):
        return 3
    return 2 if name.startswith("_") else 1 if name.startswith("layer_with_weights-") else 0


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _stored(found: _Object, path: str, *, slot: bool) -> Iterator[tuple[str, ReadableName]]:
    for key, _, attribute in found.attributes:
        name = _public(path if attribute == "VARIABLE_VALUE" else _join(path, attribute))
        yield key, ReadableName(name or _plain(key), slot)


def _public(path: str) -> str:
    """Rewrites a path of Keras 3's private attributes as the public one that it stands for."""
    path = _LAYER.sub(r"\1layer-\2", f"/{path}".replace("/_functional/", "/"))
    return path.replace("/_", "/").strip("/")
