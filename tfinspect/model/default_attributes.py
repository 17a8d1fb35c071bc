"""A stored graph parsed, with the attributes that its writer left out because they are defaults.

Source: `strip_default_attrs` of SavedModel and `tensorflow/core/framework/op_def.proto`.
"""

from typing import Any


def parse_graph(serialized: bytes) -> Any:
    """Returns the `GraphDef` of its bytes; every op that TensorFlow knows has all its attributes.

    Without them an attribute that is not there would read as false or 0, whatever its default is.
    """
    import tensorflow as tf

    graph_def = tf.compat.v1.GraphDef.FromString(serialized)
    _fill(graph_def.node)
    for function in graph_def.library.function:
        _fill(function.node_def)
    return graph_def


def _fill(nodes: Any) -> None:
    from tensorflow.python.framework import op_def_registry

    for node in nodes:
        definition = op_def_registry.get(node.op)
        if definition is None:
            continue
        for attribute in definition.attr:
            if attribute.HasField("default_value") and attribute.name not in node.attr:
                node.attr[attribute.name].CopyFrom(attribute.default_value)
