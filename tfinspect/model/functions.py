"""Models from `tf.function`s and concrete functions of one batch of images."""

from typing import Any

from tfinspect.artifacts.graph_def import GraphDefFile
from tfinspect.artifacts.graph_file import GRAPH_DEF, GraphFile
from tfinspect.errors import ConfigError
from tfinspect.model.model import Model
from tfinspect.model.ports import Input, Settings, choose_input
from tfinspect.model.stored import from_graph
from tfinspect.model.stored_values import of_live


def is_function(obj: Any) -> bool:
    """Tells a `tf.function` or a concrete function from other objects."""
    return hasattr(obj, "get_concrete_function") or _is_concrete(obj)


def _is_concrete(obj: Any) -> bool:
    return hasattr(obj, "captured_inputs") and hasattr(obj, "graph")


def from_function(function: Any, settings: Settings) -> Model:
    """Makes a model of a function's graph; its variables stay the ones that the function reads.

    Raises:
      ConfigError: its input is not known, or ambiguous.
    """
    concrete = function if _is_concrete(function) else _concrete(function)
    graph_def = concrete.graph.as_graph_def()
    live = _mark_captures(concrete, graph_def)
    name = concrete.graph.name
    artifact = GraphDefFile(
        GraphFile(f"<{name}>", GRAPH_DEF, graph_def.SerializeToString(), is_text=False)
    )
    artifact.kind = "concrete function" if concrete is function else "tf.function"
    return from_graph(artifact, settings, of_live(live), _given(artifact, concrete, settings))


def _concrete(function: Any) -> Any:
    try:
        return function.get_concrete_function()
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "the input of this tf.function is not known; give "
            "`f.get_concrete_function(tf.TensorSpec([None, H, W, C], tf.float32))`."
        ) from error


def _mark_captures(concrete: Any, graph_def: Any) -> dict[str, Any]:
    """Makes variables and constants of the placeholders of captured values."""
    import tensorflow as tf

    nodes = {node.name: node for node in graph_def.node}
    by_handle = {id(variable.handle): variable for variable in concrete.variables}
    live = {}
    for value, inner in zip(
        concrete.captured_inputs, concrete.graph.internal_captures, strict=True
    ):
        node = nodes[inner.op.name]
        if id(value) in by_handle:
            variable = by_handle[id(value)]
            node.op = "VarHandleOp"
            node.attr["dtype"].type = variable.dtype.as_datatype_enum
            node.attr["shared_name"].s = variable.name.removesuffix(":0").encode()
            live[node.name] = variable
        elif value.dtype != tf.resource:
            node.op = "Const"
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value.numpy()))
            node.attr.pop("shape", None)
    return live


def _given(artifact: Any, concrete: Any, settings: Settings) -> Input:
    """Returns the input with the function's own outputs."""
    import tensorflow as tf

    from tfinspect.model.nodes import by_name

    nodes = by_name(tf.compat.v1.GraphDef.FromString(artifact.graph_def()).node)
    found = choose_input(artifact, nodes, settings)
    outputs = tuple(tensor.name for tensor in concrete.outputs)
    return Input(found.tensor, outputs, found.dtype, found.shape)
