"""What comes out of an op: names, number and dtypes of its outputs, by its definition.

A MetaGraph or SavedModel carries the definitions of its ops; a bare GraphDef does not, and its ops
are looked up in `op_outputs.txt`, which `scripts/generate_op_table.py` writes.

Sources: `tensorflow/core/framework/op_def.proto` and `node_def_util.cc` (OutputTypesForNode).
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from tfinspect.artifacts.dtypes import dtype_name
from tfinspect.artifacts.wire import WireError

_TABLE = "op_outputs.txt"
# No op has more outputs; a larger number is a broken file's.
MOST_OUTPUTS = 1 << 16

Default = int | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OutputArg:
    """One declared output, which may stand for several tensors.

    Attributes:
      name: by which nodes of a function refer to it.
      dtype: number of its type; 0 where an attribute says it.
      type_attr: attribute that holds the type.
      number_attr: attribute that holds the number of equal outputs.
      type_list_attr: attribute that holds the types of all outputs.
    """

    name: str
    dtype: int = 0
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""

    def __str__(self) -> str:
        if self.type_list_attr:
            return f"{self.name}:[{self.type_list_attr}]"
        count = f"{self.number_attr}*" if self.number_attr else ""
        return f"{self.name}:{count}{self.dtype or self.type_attr}"


@dataclass(frozen=True, slots=True)
class OpOutputs:
    """All declared outputs of an op, and the defaults of the attributes that they need."""

    args: tuple[OutputArg, ...]
    defaults: Mapping[str, Default]

    def tensors(self, attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Returns (name of the declared output, dtype) of every output of a node.

        Args:
          attributes: the node's own, AttrValue messages by name; a missing one has its default.

        Raises:
          WireError: an attribute asks for more outputs than any op has.
        """
        found = []
        for arg in self.args:
            found += [(arg.name, dtype_name(number)) for number in self._types(arg, attributes)]
        return found

    def _types(self, arg: OutputArg, attributes: Mapping[str, Any]) -> list[int]:
        if arg.type_list_attr:
            listed = attributes.get(arg.type_list_attr)
            types = listed.list.type if listed else self.defaults.get(arg.type_list_attr, ())
            return list(types)  # type: ignore[arg-type]
        number = arg.dtype or self._number(arg.type_attr, attributes, "type")
        if not arg.number_attr:
            return [number]
        count = self._number(arg.number_attr, attributes, "i")
        if not 0 <= count <= MOST_OUTPUTS:
            raise WireError(f"attribute '{arg.number_attr}' asks for {count:,} outputs")
        return [number] * count

    def _number(self, name: str, attributes: Mapping[str, Any], kind: str) -> int:
        value = attributes.get(name)
        return getattr(value, kind) if value else self.defaults.get(name, 0)  # type: ignore[return-value]


def from_op_def(op_def: Any) -> OpOutputs:
    """Takes what matters out of an OpDef message."""
    args = tuple(
        OutputArg(arg.name, arg.type, arg.type_attr, arg.number_attr, arg.type_list_attr)
        for arg in op_def.output_arg
    )
    needed = {name for arg in args for name in _attributes(arg)}
    defaults = {
        attr.name: _default(attr)
        for attr in op_def.attr
        if attr.name in needed and attr.HasField("default_value")
    }
    return OpOutputs(args, defaults)


def _attributes(arg: OutputArg) -> tuple[str, str, str]:
    return arg.type_attr, arg.number_attr, arg.type_list_attr


def _default(attr: Any) -> Default:
    value = attr.default_value
    if attr.type == "list(type)":
        return tuple(value.list.type)
    number: int = value.type if attr.type == "type" else value.i
    return number


def to_line(op: str, outputs: OpOutputs) -> str:
    """Words one op for the table: `Name output:T other:3 | T=1`."""
    words = [op, *map(str, outputs.args)]
    if outputs.defaults:
        words.append("|")
        for name, value in sorted(outputs.defaults.items()):
            listed = f"[{','.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
            words.append(f"{name}={listed}")
    return " ".join(words)


def from_line(words: str) -> OpOutputs:
    """Reads what stands behind the op's name in a line of the table."""
    declared, _, defaults = words.partition("|")
    return OpOutputs(tuple(map(_arg, declared.split())), dict(map(_pair, defaults.split())))


def _arg(word: str) -> OutputArg:
    name, _, kind = word.partition(":")
    if kind.startswith("["):
        return OutputArg(name, type_list_attr=kind[1:-1])
    count, _, kind = kind.rpartition("*")
    if kind.isdigit():
        return OutputArg(name, dtype=int(kind), number_attr=count)
    return OutputArg(name, type_attr=kind, number_attr=count)


def _pair(word: str) -> tuple[str, Default]:
    name, _, value = word.partition("=")
    if value.startswith("["):
        return name, tuple(int(part) for part in value[1:-1].split(",") if part)
    return name, int(value)


class OpDefinitions:
    """Looks ops up: first in the definitions a graph carries, then in the table."""

    def __init__(self, carried: Mapping[str, OpOutputs] | None = None) -> None:
        self._known: dict[str, OpOutputs | None] = dict(carried or {})

    def get(self, op: str) -> OpOutputs | None:
        """Returns the outputs of an op; None for one that is defined nowhere."""
        if op not in self._known:
            words = _table().get(op)
            self._known[op] = None if words is None else from_line(words)
        return self._known[op]


@functools.cache
def _table() -> dict[str, str]:
    return dict(_lines())


def _lines() -> Iterator[tuple[str, str]]:
    text = resources.files(__package__).joinpath(_TABLE).read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            op, _, words = line.partition(" ")
            yield op, words
