"""Functions of a graph's library put in the place of their calls.

Source: `tensorflow/core/framework/function.proto` (FunctionDef).
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfinspect.errors import ArtifactError
from tfinspect.model.constants import constant
from tfinspect.model.nodes import (
    Nodes,
    ancestors,
    by_name,
    is_control,
    op_name,
    tensor_name,
)
from tfinspect.model.wording import reason

_CONDITIONS = frozenset({"If", "StatelessIf"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# A limit against broken files, whose functions may call themselves.
_MOST_NODES = 1 << 19


@dataclass
class Inlined:
    """A graph whose calls are replaced by the bodies of the functions.

    Attributes:
      library: a `GraphDef` with the functions.
      nodes: by name; an op of a function keeps its own name where that is free, and is called
        `call/op` where it is not.
      aliases: a tensor or control dependency of a call -> what stands for it now.
      calls: names of the calls that were replaced; no op has them any more.
    """

    library: Any
    nodes: Nodes
    aliases: dict[str, list[str]] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)

    @functools.cached_property
    def functions(self) -> dict[str, Any]:
        """Name -> function, of the library."""
        return {one.signature.name: one for one in self.library.library.function}

    @functools.cached_property
    def _graph(self) -> Any:
        """Returns a graph with the library, in which TensorFlow can look functions up."""
        import tensorflow as tf

        graph = tf.Graph()
        try:
            with graph.as_default():
                tf.graph_util.import_graph_def(self.library, name="")
        except (ValueError, KeyError, tf.errors.OpError) as error:
            raise ArtifactError(
                f"TensorFlow refuses the functions of the graph: {reason(error)}; load the "
                "library that defines their ops with tf.load_op_library first."
            ) from error
        return graph

    def resolve(self, tensor: str) -> str:
        """Returns what stands for a tensor now."""
        name = tensor_name(tensor)
        while name in self.aliases:
            name = tensor_name(self.aliases[name][0])
        return name

    def _references(self, reference: str) -> list[str]:
        key = reference if is_control(reference) else tensor_name(reference)
        if key not in self.aliases:
            return [reference]
        return [last for one in self.aliases[key] for last in self._references(one)]

    def settle(self) -> None:
        """Lets every op take what stands for its inputs."""
        for node in self.nodes.values():
            inputs = [one for reference in node.input for one in self._references(reference)]
            data = [one for one in inputs if not is_control(one)]
            node.ClearField("input")
            node.input.extend([*data, *dict.fromkeys(one for one in inputs if is_control(one))])

    def expand(self, call: Any, name: str) -> list[Any]:
        """Puts a function in the place of an op that takes its arguments; returns the new ops."""
        function = self.functions[name]
        del self.nodes[call.name]
        self.calls.add(call.name)
        flat, tensors = self._flattened(function)
        formal = [arg.name for arg in function.signature.input_arg]
        arguments = dict(zip(formal, call.input, strict=False))
        body = [node for node in flat.node if node.name not in arguments]
        names = _free_names(call.name, [node.name for node in body], self.nodes.keys() | self.calls)
        for node in body:
            _move(node, call, names, arguments)
            self.nodes[node.name] = node
        for number, output in enumerate(function.signature.output_arg):
            source = tensors[function.ret[output.name]]
            self.aliases[f"{call.name}:{number}"] = [_renamed(source, names, arguments)]
        ran = [f"^{names[one]}" for one in function.control_ret.values()]
        self.aliases[f"^{call.name}"] = ran
        self._require_size(call)
        return body

    def _flattened(self, function: Any) -> Any:
        from tensorflow.python.framework import function_def_to_graph

        try:
            with self._graph.as_default():
                return function_def_to_graph.function_def_to_graph_def(function)
        except (ValueError, KeyError) as error:
            raise ArtifactError(
                f"the function '{function.signature.name}' of the graph is broken: {error}; save "
                "the model again."
            ) from error

    def _require_size(self, call: Any) -> None:
        if len(self.nodes) > _MOST_NODES:
            raise ArtifactError(
                f"the functions of the graph make more than {_MOST_NODES:,} ops of "
                f"'{call.name}'; they may call themselves. Save the model again."
            )

    def expand_calls(self, nodes: Iterable[Any]) -> None:
        """Replaces the calls among some ops, and those in the functions that they call."""
        waiting = list(nodes)
        while waiting:
            node = waiting.pop(0)
            name = node.attr["f"].func.name if node.op in _CALLS else node.op
            if name in self.functions:
                waiting += self.expand(node, name)
        self.settle()


def inlined(graph_def: Any, roots: Iterable[str]) -> Inlined:
    """Returns what some ops of a graph need, with all calls replaced by the functions' bodies.

    The bodies of `While`, `If` and other ops that hold functions stay functions.

    Args:
      graph_def: a `GraphDef`.
      roots: names of ops of its main graph.

    Raises:
      ArtifactError: a function is missing, broken, or calls itself.
    """
    library = type(graph_def)(library=graph_def.library, versions=graph_def.versions)
    graph = Inlined(library, ancestors(by_name(graph_def.node), roots))
    graph.expand_calls(graph.nodes.values())
    return graph


def take_known_branches(graph: Inlined) -> None:
    """Puts the branch that runs in the place of each `If` whose predicate is a constant."""
    waiting = list(graph.nodes.values())
    while waiting:
        node = waiting.pop(0)
        known = constant(graph.nodes, node.input[0]) if node.op in _CONDITIONS else None
        if known is None:
            continue
        name = node.attr["then_branch" if known else "else_branch"].func.name
        if name in graph.functions:
            del node.input[0]
            body = graph.expand(node, name)
            graph.expand_calls(body)
            waiting += body


def _move(node: Any, call: Any, names: Mapping[str, str], arguments: Mapping[str, str]) -> None:
    """Makes an op of a function one of the graph that calls it."""
    node.name = names[node.name]
    inputs = [_renamed(one, names, arguments) for one in node.input]
    node.ClearField("input")
    # What had to run before the call runs before the ops that would wait for nothing.
    node.input.extend(inputs or [one for one in call.input if is_control(one)])
    _fill_attributes(node, call)


def _free_names(call: str, wanted: Iterable[str], taken: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    used = set(taken)
    for name in wanted:
        free = name if name not in used else f"{call}/{name}"
        number = 1
        while free in used:
            free, number = f"{call}/{name}_{number}", number + 1
        used.add(free)
        names[name] = free
    return names


def _renamed(reference: str, names: Mapping[str, str], arguments: Mapping[str, str]) -> str:
    source = op_name(reference)
    if source in arguments:
        given = arguments[source]
        return f"^{op_name(given)}" if is_control(reference) else given
    mark = "^" if is_control(reference) else ""
    _, colon, number = reference.partition(":")
    return f"{mark}{names[source]}{colon}{number}"


def _fill_attributes(node: Any, call: Any) -> None:
    """Puts the call's attributes where a polymorphic function leaves them open."""
    for value in node.attr.values():
        if value.WhichOneof("value") == "placeholder" and value.placeholder in call.attr:
            value.CopyFrom(call.attr[value.placeholder])
