"""Which part of which checkpoint entry each variable of a graph holds, read from its saver.

Source of slice specifications: `tensorflow/core/framework/tensor_slice.cc` (Parse).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.errors import ArtifactError
from tfinspect.model.inline import inlined
from tfinspect.model.nodes import Nodes, data_inputs, op_name
from tfinspect.names import choices

_ASSIGN = frozenset({"Assign", "AssignVariableOp"})
_RESTORE = frozenset({"RestoreV2", "Restore", "RestoreSlice"})
_PASSING = frozenset({"Identity", "Reshape", "Cast"})
_PART = re.compile(r"(.+)/part_(\d+)")


@dataclass(frozen=True)
class Stored:
    """Where a variable's value is stored.

    Attributes:
      key: in the checkpoint.
      part: index into the stored value; empty for all of it.
    """

    key: str
    part: tuple[slice, ...] = ()


def stored_variables(graph_def: Any, saver: frozenset[str]) -> dict[str, Stored]:
    """Returns variable op -> where its saver finds it.

    Args:
      graph_def: a `GraphDef`.
      saver: the ops by which it saves and restores; empty takes every assignment from a file.
    """
    import tensorflow as tf

    roots = saver or {node.name for node in graph_def.node if node.op in _ASSIGN}
    nodes = inlined(graph_def, roots).nodes
    found: dict[str, Stored] = {}
    for node in nodes.values():
        if node.op not in _ASSIGN or len(node.input) < 2:
            continue
        variable, value = data_inputs(node)[:2]
        restore, number = _source(nodes, value)
        if restore is not None and restore.op in _RESTORE:
            names = [
                tf.make_ndarray(nodes[op_name(one)].attr["value"].tensor).ravel()
                for one in data_inputs(restore)[1:]
                if nodes[op_name(one)].op == "Const"
            ]
            if names:
                found[op_name(_source(nodes, variable)[0].name)] = _stored(names, number)
    return found


def _source(nodes: Nodes, tensor: str) -> tuple[Any, int]:
    node = nodes.get(op_name(tensor))
    while node is not None and node.op in _PASSING:
        tensor = data_inputs(node)[0]
        node = nodes.get(op_name(tensor))
    return node, int(tensor.partition(":")[2])


def _stored(names: list[np.ndarray], number: int) -> Stored:
    key = names[0][number].decode()
    text = names[1][number].decode() if len(names) > 1 and number < len(names[1]) else ""
    return Stored(key, slice_part(text) if text else ())


def slice_part(text: str) -> tuple[slice, ...]:
    """Returns the index that a slice specification names.

    >>> slice_part("3 3 8 12 0,2:-:-:-")
    (slice(0, 2, None), slice(None, None, None), slice(None, None, None), slice(None, None, None))
    """
    parts = text.rpartition(" ")[2].split(":")
    return tuple(_slice(part) for part in parts)


def _slice(part: str) -> slice:
    if part == "-":
        return slice(None)
    start, _, length = part.partition(",")
    return slice(int(start), int(start) + int(length))


def partitioned(variables: Mapping[str, Any], values: Any) -> dict[str, Stored]:
    """Returns where the parts of partitioned variables, `weights/part_1`, are stored.

    A checkpoint holds them whole; the parts follow each other along the axis in which they differ
    from the whole.

    Args:
      variables: of the graph, by name; with their shapes.
      values: the checkpoint, as `open_artifact` opens it.
    """
    whole = {entry.name: entry.shape for entry in values.variables}
    names = (match for match in map(_PART.fullmatch, variables) if match and match[1] in whole)
    found: dict[str, Stored] = {}
    ends: dict[str, int] = {}
    for match in sorted(names, key=lambda match: int(match[2])):
        shape, key = variables[match[0]].shape, match[1]
        axes = [
            axis
            for axis, (part, all_of_it) in enumerate(zip(shape or (), whole[key], strict=False))
            if part != all_of_it
        ]
        start = ends.get(key, 0)
        if len(axes) == 1:
            ends[key] = start + shape[axes[0]]
            part = (*(slice(None),) * axes[0], slice(start, ends[key]))
            found[match[0]] = Stored(key, part)
        elif not axes:
            found[match[0]] = Stored(key)
    return found


def find_stored(values: Any, name: str, stored: Mapping[str, Stored]) -> Stored:
    """Returns where the value of a variable is stored.

    Where the graph has no saver, a variable is stored under its own name.

    Args:
      values: the checkpoint, as `open_artifact` opens it.
      name: of the variable's op.
      stored: what the graph's saver, or its partitions, say.

    Raises:
      ArtifactError: the checkpoint has no such variable.
    """
    existing = {key for entry in values.variables for key in (entry.name, entry.key)}
    if name in stored and stored[name].key in existing:
        return stored[name]
    if name in existing:
        return Stored(name)
    raise ArtifactError(
        f"no value of '{name}' in '{values.path}'; "
        f"{choices(name, (entry.name for entry in values.variables))}. "
        "Give the checkpoint that belongs to the graph with checkpoint= (--checkpoint)."
    )
