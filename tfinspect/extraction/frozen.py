"""Frozen graphs: a GraphDef whose variables are constants under the variables' names."""

from typing import Any

from tfinspect.extraction.inference_graph import InferenceGraph, constant_node
from tfinspect.model.nodes import by_name, op_name


def frozen_graph(graph: InferenceGraph) -> Any:
    """Returns a `GraphDef` that holds the values of its variables; only ops that infer."""
    import tensorflow as tf

    nodes = by_name(graph.graph_def.node)
    constants = {
        name: constant_node(name, tf.make_tensor_proto(variable.numpy()))
        for name, variable in graph.variables.items()
    }
    for node in nodes.values():
        if node.op == "ReadVariableOp" and op_name(node.input[0]) in graph.handles:
            _read_constant(node, graph.handles[op_name(node.input[0])])
    frozen = type(graph.graph_def)(versions=graph.graph_def.versions)
    frozen.node.extend([*constants.values(), *nodes.values()])
    frozen.library.CopyFrom(graph.graph_def.library)
    return frozen


def _read_constant(node: Any, name: str) -> None:
    controls = [one for one in node.input if one.startswith("^")]
    dtype = node.attr["dtype"].type
    node.op = "Identity"
    node.ClearField("input")
    node.ClearField("attr")
    node.input.extend([name, *controls])
    node.attr["T"].type = dtype
