"""A part of a traced graph as a function of its own.

`WrappedFunction.prune` copies op by op in Python, and makes every variable of the whole graph an
argument of each call; of a network with a thousand variables both take longer than a small part
takes to compute.
"""

from collections.abc import Sequence
from typing import Any

from tfinspect.model.nodes import (
    Nodes,
    ancestors,
    by_name,
    data_inputs,
    is_control,
    op_name,
)


def part_function(graph: Any, feeds: Sequence[Any], fetches: Sequence[Any]) -> Any:
    """Returns a function of some tensors of a graph, which captures only what it needs.

    Gradients go through it, to its arguments and to the graph's trainable variables.

    Args:
      graph: a `FuncGraph`; it is not changed.
      feeds: tensors that become the arguments. Their ops, and those before them, are left out.
      fetches: tensors that are returned, as a list; none of them is among the feeds.
    """
    import tensorflow as tf

    whole = graph.as_graph_def()
    nodes = _needed(by_name(whole.node), feeds, fetches)
    captured = [(value, inner) for value, inner in graph.captures if inner.op.name in nodes]
    for _, inner in captured:
        del nodes[inner.op.name]
    part = type(whole)(node=nodes.values(), library=whole.library, versions=whole.versions)
    handles = {id(value) for value, _ in captured}
    taken = {tensor for node in nodes.values() for tensor in data_inputs(node)}

    def build(*fed: Any) -> list[Any]:
        current = tf.compat.v1.get_default_graph()
        mapped = {tensor.name: value for tensor, value in zip(feeds, fed, strict=True)}
        mapped |= {inner.name: current.capture(value) for value, inner in captured}
        mapped = {name: value for name, value in mapped.items() if name in taken}
        for variable in graph.variables:
            if id(variable.handle) in handles:
                # Tapes learn from it which variables a call of the function depends on.
                current.watch_variable(variable)
        names = [tensor.name for tensor in fetches]
        return tf.graph_util.import_graph_def(
            part, input_map=mapped, return_elements=names, name=""
        )

    signature = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in feeds]
    return tf.compat.v1.wrap_function(build, signature)


def _needed(nodes: Nodes, feeds: Sequence[Any], fetches: Sequence[Any]) -> Nodes:
    """Returns the ops between feeds and fetches, without dependencies on the feeds' ops."""
    fed = {tensor.op.name for tensor in feeds}
    found = ancestors(nodes, [tensor.op.name for tensor in fetches], fed)
    found = {name: node for name, node in found.items() if name not in fed}
    for node in found.values():
        kept = [one for one in node.input if not is_control(one) or op_name(one) not in fed]
        del node.input[:]
        node.input.extend(kept)
    return found
