"""The graph of a traced model, as far as its outputs need it, with its variables named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfinspect.model.model import Model
from tfinspect.model.nodes import ancestors, by_name
from tfinspect.python_ops import refuse_python_ops


@dataclass(frozen=True)
class InferenceGraph:
    """A graph that only infers.

    Attributes:
      graph_def: its ops; handles of variables are placeholders, which are not among them.
      input: name of the op that takes the images.
      outputs: name -> tensor, with the output's number.
      handles: name of a placeholder -> name of the variable whose handle it takes.
      variables: the `tf.Variable`s by name.
    """

    graph_def: Any = field(repr=False)
    input: str
    outputs: Mapping[str, str]
    handles: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)


def inference_graph(model: Model, outputs: Mapping[str, Any]) -> InferenceGraph:
    """Takes out of a model's trace what some of its tensors need.

    Args:
      model: a model of the registry.
      outputs: name -> tensor of the trace.

    Raises:
      CustomOpError: an op calls Python code, which no file can hold.
    """
    traced = model.trace()
    whole = traced.graph.as_graph_def()
    nodes = ancestors(by_name(whole.node), [tensor.op.name for tensor in outputs.values()])
    handles = _take_captures(traced.graph, nodes, model.variables)
    pruned = type(whole)(node=nodes.values(), library=whole.library, versions=whole.versions)
    refuse_python_ops(pruned, f"a file of '{model.name}'")
    used = set(handles.values())
    return InferenceGraph(
        pruned,
        traced.images.op.name,
        {name: tensor.name for name, tensor in outputs.items()},
        handles,
        {name: one for name, one in model.variables.items() if name in used},
    )


def _take_captures(
    graph: Any, nodes: dict[str, Any], variables: Mapping[str, Any]
) -> dict[str, str]:
    """Takes the placeholders of captured variables out, and makes captured values constants."""
    import tensorflow as tf

    names = {id(variable.handle): name for name, variable in variables.items()}
    handles = {}
    for value, inner in graph.captures:
        place = inner.op.name
        if place not in nodes:
            continue
        if id(value) in names:
            handles[place] = names[id(value)]
            del nodes[place]
        else:
            nodes[place] = constant_node(place, tf.make_tensor_proto(value.numpy()))
    return handles


def import_inference(graph: InferenceGraph, images: Any) -> dict[str, Any]:
    """Imports a graph into that of a `tf.function`, which captures the variables.

    Nothing but the variables that the outputs need is captured: a pruned function of the trace
    would keep all of them.

    Args:
      graph: what is imported.
      images: tensor that takes the input's place.

    Returns:
      The outputs by name.
    """
    import tensorflow as tf

    current = tf.compat.v1.get_default_graph()
    mapped = {
        f"{place}:0": current.capture(graph.variables[name].handle)
        for place, name in graph.handles.items()
    }
    ops = type(graph.graph_def)(versions=graph.graph_def.versions)
    ops.node.extend(node for node in graph.graph_def.node if node.name != graph.input)
    ops.library.CopyFrom(graph.graph_def.library)
    found = tf.graph_util.import_graph_def(
        ops,
        input_map={**mapped, f"{graph.input}:0": images},
        return_elements=list(graph.outputs.values()),
        name="",
    )
    return dict(zip(graph.outputs, found, strict=True))


def constant_node(name: str, tensor: Any) -> Any:
    """Returns the node of a constant.

    Args:
      name: of the op.
      tensor: its value, a `TensorProto`.
    """
    import tensorflow as tf

    node = tf.compat.v1.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)
    return node
