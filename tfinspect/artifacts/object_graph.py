"""Readable names for object-based checkpoints, from the graph of objects they carry.

Source: `tensorflow/core/protobuf/trackable_object_graph.proto`.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tfinspect.artifacts.unique_names import unique_names
from tfinspect.artifacts.wire import LENGTH, WireError, fields, text

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_ATTRIBUTES = "/.ATTRIBUTES/"
_SLOT_MARK = "/.OPTIMIZER_SLOT/"

# Limits against broken files: a parsed part takes some hundred bytes, and a chain of objects makes
# paths whose lengths add up to the square of its own.
LARGEST_GRAPH = 128 << 20
_MOST_OBJECTS, _MOST_PARTS = 1 << 20, 1 << 21
_MOST_CHARACTERS = 1 << 25

# Where Keras keeps what stands elsewhere under its own name.
_LISTS = frozenset(
    {
        "variables",
        "_variables",
        "all_variables",
        "trainable_variables",
        "non_trainable_variables",
        "_trainable_variables",
        "_non_trainable_variables",
        "keras_api",
    }
)
_LAYER = re.compile(r"(/)_?(?:operations|layers)/(\d+)(?=/|$)")


class ReadableName(NamedTuple):
    """A variable's name for people, and whether it is an optimizer's."""

    name: str
    slot: bool


@dataclass(slots=True)
class _Object:
    children: list[tuple[str, int]] = field(default_factory=list)
    # Checkpoint key and the variable's own name, of every stored attribute.
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    # Name of the slot, object of the variable, object of the slot's variable.
    slots: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def parts(self) -> int:
        """How much it holds."""
        return len(self.children) + len(self.attributes) + len(self.slots)


def readable_names(graph: bytes, keys: Sequence[str]) -> Mapping[str, ReadableName]:
    """Names every key of an object-based checkpoint.

    A variable gets the shortest path of attribute names to it, public ones before private ones and
    `layer-1` before `layer_with_weights-0`, that does not lead through an optimizer; one that only
    an optimizer reaches is a slot, and stands below the optimizer under the variable's own name.
    Where the paths add up to more than any model's, the rest are named by their keys.

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
    unique = unique_names({key: (found.name, _plain(key)) for key, found in named.items()})
    return {key: ReadableName(unique[key], found.slot) for key, found in named.items()}


def _parse(graph: bytes) -> list[_Object]:
    objects: list[_Object] = []
    parts = 0
    for node in fields(graph):
        if node.number != 1 or node.wire_type != LENGTH:
            continue
        objects.append(_parse_object(graph, node.start, node.end))
        parts += objects[-1].parts
        if len(objects) > _MOST_OBJECTS or parts > _MOST_PARTS:
            raise WireError("the object graph has more objects or edges than any model")
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
    paths = _Paths()
    paths.follow(objects, 0, closed=optimizers)
    reached = list(paths.steps)
    for number in reached:
        if number not in optimizers and objects[number].attributes:
            yield from _stored(objects[number], paths.to(number), slot=False)
    for number in reached:
        if number in optimizers:
            yield from _slots(objects, number, paths)


def _slots(
    objects: list[_Object], optimizer: int, paths: "_Paths"
) -> Iterator[tuple[str, ReadableName]]:
    base = paths.to(optimizer)
    for label, variable, value in objects[optimizer].slots:
        if variable in paths.steps:
            name = _join(base, label, paths.to(variable))
            yield from _stored(objects[value], name if base is not None else None, slot=True)
    # What an optimizer before this one led to has its name already.
    for number in (optimizer, *paths.follow(objects, optimizer, closed=())):
        found = objects[number]
        if not found.attributes:
            continue
        path, own = paths.to(number), found.attributes[0][1]
        # `_trainable_variables` of Keras 3 are the model's, even if nothing else leads to them.
        slot = path is None or "_trainable_variables/" not in path
        # A number in a list of slots says less than the slot's own name.
        if own and path is not None and path.rpartition("/")[2].isdecimal():
            path = _join(base, own)
        yield from _stored(found, path, slot=slot)


def _is_optimizer(found: _Object) -> bool:
    names = {name.lstrip("_") for name, _ in found.children}
    steps = bool(names & {"iterations", "iter"})
    return bool(found.slots) or (steps and "learning_rate" in names)


class _Paths:
    """The shortest paths from the root, kept as steps, so that only those asked for are written.

    Attributes:
      steps: object -> the object before it, and the name of the edge between; the root's is None.
    """

    def __init__(self) -> None:
        self.steps: dict[int, tuple[int | None, str]] = {0: (None, "")}
        self._left = _MOST_CHARACTERS

    def follow(self, objects: list[_Object], start: int, closed: Collection[int]) -> list[int]:
        """Goes on from an object to all new ones, breadth first, not through closed objects.

        Lists of all variables are followed when everything else is named: a number in them says
        less than the longest path of layers.
        """
        new: list[int] = []
        waiting, lists = deque([start]), deque[tuple[int, str, int]]()
        while waiting or lists:
            if not waiting:
                number, name, child = lists.popleft()
                self._step(number, name, child, new, waiting)
                continue
            number = waiting.popleft()
            if number in closed:
                continue
            for name, child in sorted(objects[number].children, key=_preference):
                if name in _LISTS:
                    lists.append((number, name, child))
                else:
                    self._step(number, name, child, new, waiting)
        return new

    def _step(
        self, number: int, name: str, child: int, new: list[int], waiting: "deque[int]"
    ) -> None:
        if child not in self.steps:
            self.steps[child] = (number, name)
            new.append(child)
            waiting.append(child)

    def to(self, number: int) -> str | None:
        """Returns the path to an object; None where there have been too many characters."""
        names: list[str] = []
        step: int | None = number
        while step is not None and self._left > 0:
            step, name = self.steps[step]
            names.append(name)
            self._left -= len(name) + 1
        return _join(*reversed(names)) if self._left > 0 else None


def _preference(child: tuple[str, int]) -> int:
    name = child[0]
    return 2 if name.startswith("_") else 1 if name.startswith("layer_with_weights-") else 0


def _join(*parts: str | None) -> str:
    return "/".join(part for part in parts if part)


def _stored(found: _Object, path: str | None, *, slot: bool) -> Iterator[tuple[str, ReadableName]]:
    for key, _, attribute in found.attributes:
        if path is None:
            yield key, ReadableName(_plain(key), slot)
            continue
        name = _public(path if attribute == "VARIABLE_VALUE" else _join(path, attribute))
        yield key, ReadableName(name or _plain(key), slot)


def _public(path: str) -> str:
    """Rewrites a path of Keras 3's private attributes as the public one that it stands for."""
    path = _LAYER.sub(r"\1layer-\2", f"/{path}".replace("/_functional/", "/"))
    return path.replace("/_", "/").strip("/")
