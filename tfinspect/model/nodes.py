"""The nodes of a GraphDef by name, and who takes what from whom.

A reference is what stands in a node's inputs: `op`, `op:1`, or `^op` for a control dependency.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Nodes = dict[str, Any]


def op_name(reference: str) -> str:
    """Returns the op of a reference.

    >>> op_name("^a/b"), op_name("a/b:1")
    ('a/b', 'a/b')
    """
    return reference.removeprefix("^").partition(":")[0]


def tensor_name(reference: str) -> str:
    """Returns a reference to a tensor with its output's number.

    >>> tensor_name("a/b")
    'a/b:0'
    """
    return reference if ":" in reference else f"{reference}:0"


def is_control(reference: str) -> bool:
    """Tells a control dependency from a tensor."""
    return reference.startswith("^")


def data_inputs(node: Any) -> list[str]:
    """Returns the names of the tensors that a node takes."""
    return [tensor_name(one) for one in node.input if not is_control(one)]


def by_name(nodes: Iterable[Any]) -> Nodes:
    """Returns copies of nodes by name, in their order."""
    copies: Nodes = {}
    for node in nodes:
        copies[node.name] = type(node)()
        copies[node.name].CopyFrom(node)
    return copies


def ancestors(nodes: Mapping[str, Any], roots: Iterable[str], stop: Iterable[str] = ()) -> Nodes:
    """Returns the ops that some ops need, these included, in the order of the graph.

    Args:
      nodes: the graph.
      roots: names of ops; those that the graph lacks are passed over.
      stop: names of ops whose own inputs are not followed.
    """
    stops, waiting = set(stop), [name for name in roots if name in nodes]
    found = set(waiting)
    while waiting:
        name = waiting.pop()
        if name in stops:
            continue
        for reference in nodes[name].input:
            source = op_name(reference)
            if source not in found and source in nodes:
                found.add(source)
                waiting.append(source)
    return {name: node for name, node in nodes.items() if name in found}


def reached(
    nodes: Mapping[str, Any], tensor: str, passable: Callable[[str], bool] = lambda _: True
) -> set[str]:
    """Returns the ops that a tensor's value flows into, by tensors alone.

    Args:
      nodes: the graph.
      tensor: with its output's number.
      passable: tells by an op's name whether to go on from it.
    """
    consumers = consumers_of(nodes)
    waiting = [name for name in consumers.get(tensor, ()) if passable(name)]
    found = set(waiting)
    outputs = outputs_taken(consumers)
    while waiting:
        for output in outputs.get(waiting.pop(), ()):
            for name in consumers[output]:
                if name not in found and passable(name):
                    found.add(name)
                    waiting.append(name)
    return found


def consumers_of(nodes: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns tensor name -> the ops that take it."""
    consumers: dict[str, list[str]] = {}
    for node in nodes.values():
        for tensor in data_inputs(node):
            consumers.setdefault(tensor, []).append(node.name)
    return consumers


def outputs_taken(consumers: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Returns op -> those of its outputs that some op takes."""
    outputs: dict[str, list[str]] = {}
    for tensor in consumers:
        outputs.setdefault(op_name(tensor), []).append(tensor)
    return outputs


def become_identity(node: Any, tensor: str) -> None:
    """Lets an op with one type pass a tensor on."""
    name, dtype = node.name, node.attr["T"].type
    node.Clear()
    node.name, node.op = name, "Identity"
    node.input.append(tensor)
    node.attr["T"].type = dtype


def redirect(nodes: Mapping[str, Any], old: str, new: str, keep: Iterable[str] = ()) -> None:
    """Lets every op that takes a tensor take another one, but for the ops in `keep`."""
    kept = set(keep)
    for node in nodes.values():
        if node.name in kept:
            continue
        for place, reference in enumerate(node.input):
            if not is_control(reference) and tensor_name(reference) == old:
                node.input[place] = new
