"""A stored graph made one that only infers: no training switches, no updates, no old kinds of ops.

Source of the moving averages: tf_slim `batch_norm` and TensorFlow's `moving_averages`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.model.mixing import NORMALIZATIONS
from tfinspect.model.nodes import (
    Nodes,
    consumers_of,
    data_inputs,
    is_control,
    op_name,
    reached,
    redirect,
    tensor_name,
)
from tfinspect.names import choices

# Control flow on variables of the old kind; here a variable is read before.
_WITHOUT_REF = {
    f"Ref{op}": op for op in ("Identity", "Switch", "Merge", "Enter", "Exit", "NextIteration")
}
# What says where an op runs, or what another process made of it.
_ATTRIBUTES = ("_class", "_output_shapes", "_gradient_op_type", "_XlaMustCompile")
_DEFAULT = "PlaceholderWithDefault"
_GRADIENTS = re.compile(r"(?:.*?/)?gradients(?:_\d+)?/")
# What `tf.gradients` of any version puts into its scope, and a network's own scope has not.
_DIFFERENTIATING = re.compile(r"(?:grad_ys_\d+|Fill|(?:.*/)?[^/]+_grad/.*)")
_UPDATES = frozenset({"AssignSub", "AssignSubVariableOp", "Assign", "AssignVariableOp"})
_SUMS = frozenset({"Add", "AddV2"})
# A second model of a process has numbers behind its names.
_MOVING = re.compile(r"(?:.*/)?moving_(?:mean|variance)(?:_\d+)?")
_SWITCHES = frozenset({"Switch", "Enter"})


def feed(nodes: Nodes, feeds: Mapping[str, Any]) -> None:
    """Puts constants in the place of ops whose only output is fed.

    Raises:
      ConfigError: the graph has no such tensor, or the value does not fit it.
    """
    import tensorflow as tf

    for name, value in feeds.items():
        node = nodes.get(op_name(name))
        if node is None or tensor_name(name) != f"{op_name(name)}:0":
            raise ConfigError(
                f"no tensor '{name}' to feed; {choices(name, (f'{one}:0' for one in nodes))}."
            )
        declared = node.attr["dtype"].type
        try:
            made = tf.make_tensor_proto(value, tf.as_dtype(declared) if declared else None)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{value!r} cannot be fed to '{name}': {error}.") from error
        node.Clear()
        node.name, node.op = op_name(name), "Const"
        node.attr["dtype"].type = made.dtype
        node.attr["value"].tensor.CopyFrom(made)


def take_defaults(nodes: Nodes, kept: str) -> list[str]:
    """Lets placeholders with a default be their default, but for one; returns their names."""
    found = [node for node in nodes.values() if node.op == _DEFAULT and node.name != kept]
    for node in found:
        dtype = node.attr["dtype"].type
        node.op = "Identity"
        node.ClearField("attr")
        node.attr["T"].type = dtype
    return [node.name for node in found]


def plain(nodes: Nodes) -> None:
    """Takes from every op what ties it to where it was made: devices, colocation, references."""
    for node in nodes.values():
        node.op = _WITHOUT_REF.get(node.op, node.op)
        node.ClearField("device")
        for name in _ATTRIBUTES:
            node.attr.pop(name, None)


def drop_gradients(nodes: Nodes, kept: Iterable[str]) -> None:
    """Takes out what `tf.gradients` made, by the scope that it works in.

    Args:
      nodes: the graph.
      kept: tensors that the caller names; where one of them lies in such a scope, all stays.
    """
    scopes = _gradient_scopes(nodes)
    if not scopes or any(name.startswith(scopes) for name in kept):
        return
    for name in [name for name in nodes if name.startswith(scopes)]:
        del nodes[name]


def _gradient_scopes(nodes: Nodes) -> tuple[str, ...]:
    found = set()
    for name in nodes:
        scope = _GRADIENTS.match(name)
        if scope and _DIFFERENTIATING.fullmatch(name[scope.end() :]):
            found.add(scope[0])
    return tuple(found)


def use_moving_averages(nodes: Nodes, variable_ops: frozenset[str]) -> list[str]:
    """Lets batch normalization use the moving averages where it used the batch's statistics.

    Ops of whose statistics the graph keeps no moving averages stay as they are.

    Returns:
      The ops that were changed.
    """
    averages = dict(_moving_averages(nodes, variable_ops))
    fused = []
    for node in [node for node in nodes.values() if uses_batch_statistics(node, nodes)]:
        variables = [averages.get(f"{node.name}:{output}") for output in (1, 2)]
        if _has_averages(nodes, node, variable_ops):
            node.attr["is_training"].b = False
            fused.append(node.name)
        elif None not in variables:
            node.attr["is_training"].b = False
            for place, variable in zip((3, 4), variables, strict=True):
                node.input[place] = _read(nodes, str(variable))
            fused.append(node.name)
    return fused + _unfused(nodes, averages)


def _has_averages(nodes: Nodes, node: Any, variable_ops: frozenset[str]) -> bool:
    """Tells an op that takes the moving averages in training, too, to move them itself."""
    given = data_inputs(node)[3:5]
    return len(given) == 2 and all(
        nodes[name].op in variable_ops for name in (list(_sources(nodes, one))[-1] for one in given)
    )


def uses_batch_statistics(node: Any, nodes: Nodes) -> bool:
    """Tells an op that normalizes by the batch that it is given."""
    if node.op not in NORMALIZATIONS or not node.attr["is_training"].b:
        return False
    return not _is_layer_norm(node, nodes)


def _is_layer_norm(node: Any, nodes: Nodes) -> bool:
    """Tells how tf_keras normalizes layers: `[1, N, D, 1]`, with the images among the channels."""
    shape = nodes.get(op_name(node.input[0]))
    if not node.attr["data_format"].s.startswith(b"NC") or shape is None or shape.op != "Reshape":
        return False
    packed = nodes[op_name(shape.input[1])]
    if packed.op != "Pack":
        return False
    ends = [nodes[op_name(packed.input[place])] for place in (0, -1)]
    return len(data_inputs(packed)) == 4 and all(map(_is_one, ends))


def _is_one(node: Any) -> bool:
    import tensorflow as tf

    return node.op == "Const" and bool(np.all(tf.make_ndarray(node.attr["value"].tensor) == 1))


def _unfused(nodes: Nodes, averages: Mapping[str, str]) -> list[str]:
    changed = []
    for value, variable in averages.items():
        source = nodes[op_name(value)]
        if source.op in NORMALIZATIONS or not _is_moving(nodes[variable]):
            continue
        redirect(nodes, value, _read(nodes, variable), keep=_updaters(nodes, value))
        changed.append(source.name)
    return changed


def _is_moving(variable: Any) -> bool:
    # A variable that a function captured is known by its shared name alone.
    shared = variable.attr["shared_name"].s.decode() if "shared_name" in variable.attr else ""
    return any(_MOVING.fullmatch(name) for name in (variable.name, shared))


def _moving_averages(nodes: Nodes, variable_ops: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yields (tensor of the batch, variable that its moving average is kept in)."""
    for node in nodes.values():
        if node.op not in _UPDATES:
            continue
        variable, change = data_inputs(node)[:2]
        name = op_name(variable)
        if name in nodes and nodes[name].op in variable_ops:
            batch = _averaged(nodes, change, name)
            if batch is not None:
                yield batch, name


def _averaged(nodes: Nodes, change: str, variable: str) -> str | None:
    """Finds x in `variable -= (variable - x) * c`, and in `variable = variable * c + x * d`."""
    product = nodes.get(op_name(change))
    if product is not None and product.op in _SUMS:
        return _mixed_in(nodes, data_inputs(product), variable)
    if product is None or product.op != "Mul":
        return None
    for factor in data_inputs(product):
        difference = nodes.get(op_name(factor))
        if difference is not None and difference.op == "Sub":
            first, second = data_inputs(difference)
            if variable in _sources(nodes, first):
                return _through_identity(nodes, second)
    return None


def _mixed_in(nodes: Nodes, terms: list[str], variable: str) -> str | None:
    for kept, added in (terms, terms[::-1]):
        products = [nodes.get(op_name(one)) for one in (kept, added)]
        if any(one is None or one.op != "Mul" for one in products):
            continue
        old, new = (data_inputs(one) for one in products)
        if any(variable in _sources(nodes, one) for one in old):
            found = [one for one in new if _computed(nodes, one)]
            return _through_identity(nodes, found[0]) if len(found) == 1 else None
    return None


def _computed(nodes: Nodes, tensor: str) -> bool:
    return bool(nodes[list(_sources(nodes, tensor))[-1]].input)


def _sources(nodes: Nodes, tensor: str) -> Iterator[str]:
    node = nodes.get(op_name(tensor))
    while node is not None:
        yield node.name
        passing = node.op in ("Identity", "ReadVariableOp") and node.input
        node = nodes.get(op_name(node.input[0])) if passing else None


def _through_identity(nodes: Nodes, tensor: str) -> str:
    while nodes[op_name(tensor)].op == "Identity":
        tensor = data_inputs(nodes[op_name(tensor)])[0]
    return tensor


def _updaters(nodes: Nodes, value: str) -> set[str]:
    """Returns the ops of the update itself: they take the value and lead to nothing else."""
    consumers = consumers_of(nodes)
    return {
        name
        for name in consumers.get(value, ())
        if any(nodes[one].op in _UPDATES for one in reached(nodes, f"{name}:0"))
        and nodes[name].op in ("Sub", "Identity")
    }


def _read(nodes: Nodes, variable: str) -> str:
    """Returns a tensor with a variable's value; one that is only a handle gets a read op."""
    node = nodes[variable]
    if node.op != "VarHandleOp":
        return f"{variable}:0"
    name = f"{variable}/moving_average/ReadVariableOp"
    if name not in nodes:
        made = nodes[name] = type(node)(name=name, op="ReadVariableOp", input=[variable])
        made.attr["dtype"].type = node.attr["dtype"].type
    return f"{name}:0"


def drop_orders(nodes: Nodes) -> None:
    """Drops control dependencies but those that say which branch of a condition runs.

    The others put updates in order, and inference updates nothing.
    """
    branches = {
        name
        for node in nodes.values()
        if node.op in _SWITCHES
        for output in (f"{node.name}:0", f"{node.name}:1")
        for name in [node.name, *reached(nodes, output)]
    }
    for node in nodes.values():
        kept = [one for one in node.input if not is_control(one) or op_name(one) in branches]
        if len(kept) != len(node.input):
            node.ClearField("input")
            node.input.extend(kept)
