"""Graphs of live objects as artifacts: `tf.Graph`, concrete functions, Keras models."""

from typing import Any

from tensorboard.compat.proto import meta_graph_pb2

from tfinspect.artifacts.graph_def import GraphDefFile
from tfinspect.artifacts.graph_file import GRAPH_DEF, META_GRAPH, GraphFile
from tfinspect.artifacts.meta_graph import MetaGraph
from tfinspect.errors import ArtifactError


def as_artifact(obj: Any) -> GraphDefFile:
    """Returns the graph of a live object as an artifact without a file.

    Args:
      obj: a `tf.Graph`; anything with a `graph`, such as a concrete function or a session; a
        `Model` or `SlimModel` of this package, or a `tf_keras` or Keras 3 model with known input
        shapes. Models are traced in inference mode.

    Raises:
      ArtifactError: there is no graph in it, or the model's input shapes are not known.
    """
    data = graph_of(obj).as_graph_def(add_shapes=True).SerializeToString()
    return GraphDefFile(GraphFile(f"<{type(obj).__name__}>", GRAPH_DEF, data, is_text=False))


def as_meta_graph(graph: Any) -> MetaGraph:
    """Returns a `tf.Graph` with the variables in its collections, as its `.meta` file has them."""
    message = meta_graph_pb2.MetaGraphDef()
    message.graph_def.ParseFromString(graph.as_graph_def().SerializeToString())
    with graph.as_default():
        for name in graph.get_all_collection_keys():
            held = [item for item in graph.get_collection(name) if hasattr(item, "to_proto")]
            values = [item.to_proto().SerializeToString() for item in held]
            message.collection_def[name].bytes_list.value.extend(values)
    data = message.SerializeToString()
    file = GraphFile(f"<{type(graph).__name__}>", META_GRAPH, data, is_text=False)
    return MetaGraph(file.path, "live graph", file, [(0, len(data))])


def graph_of(obj: Any) -> Any:
    """Returns the graph of a live object; see `as_artifact`. A `Model` keeps its trace.

    Raises:
      ArtifactError: as for `as_artifact`.
    """
    if hasattr(obj, "as_graph_def"):
        return obj
    if callable(getattr(obj, "trace", None)):
        return obj.trace().graph
    held = getattr(obj, "graph", None)
    if hasattr(held, "as_graph_def"):
        return held
    model = getattr(obj, "keras_model", obj)
    if hasattr(model, "network") and hasattr(model, "spec"):
        return _traced_network(model)
    if callable(obj) and hasattr(obj, "inputs"):
        return _traced(obj)
    raise ArtifactError(
        f"a {type(obj).__name__} has no graph; give a path, a tf.Graph, a concrete function "
        "(`f.get_concrete_function(...)`) or a Keras model."
    )


def _traced_network(model: Any) -> Any:
    """Traces a slim network itself, so that no scope of Keras's stands in its names."""
    import tensorflow as tf

    model.build_variables()
    images = tf.TensorSpec([None, *model.spec.image_shape], tf.float32, name="images")
    traced = tf.function(lambda fed: model.network(fed, False))
    return traced.get_concrete_function(images).graph


def _traced(model: Any) -> Any:
    import tensorflow as tf

    if not model.inputs:
        raise ArtifactError(
            f"the input shapes of this {type(model).__name__} are not known; call it once, or give "
            "`tf.function(model).get_concrete_function(...)`."
        )
    specs = [
        tf.TensorSpec(tuple(one.shape), one.dtype, name=one.name.split(":")[0].split("/")[-1])
        for one in model.inputs
    ]
    # Functional models take one structure; a single input stands for itself.
    inputs = specs[0] if len(specs) == 1 else specs
    traced = tf.function(lambda fed: model(fed, training=False))
    return traced.get_concrete_function(inputs).graph
