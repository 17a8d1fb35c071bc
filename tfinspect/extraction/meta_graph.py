"""MetaGraphs that TensorFlow 1 loads: a graph of named variables with a Saver, and their values."""

import os
from typing import Any

from tfinspect import files
from tfinspect.extraction.inference_graph import InferenceGraph
from tfinspect.training import checkpoints

_SIGNATURE, _METHOD = "serving_default", "tensorflow/serving/predict"


def write_meta_graph(graph: InferenceGraph, prefix: str) -> None:
    """Writes `prefix.meta` and the V2 checkpoint `prefix` that belongs to it.

    `tf.train.import_meta_graph(prefix + ".meta").restore(session, prefix)` of TensorFlow 1 loads
    both. Initial values in the graph are zeros: the values are in the checkpoint alone.

    Args:
      graph: what to write.
      prefix: of the checkpoint.

    Raises:
      RunError: the checkpoint cannot be written.
    """
    checkpoints.save(prefix, graph.variables)
    with files.writing(f"{prefix}.meta") as stream:
        stream.write(_described(graph).SerializeToString())
    with files.writing(os.path.join(os.path.dirname(prefix), checkpoints.STATE_FILE), "w") as state:
        state.write(f'model_checkpoint_path: "{os.path.basename(prefix)}"\n')


def _described(graph: InferenceGraph) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as imported:
        handles = {name: _variable(name, one) for name, one in graph.variables.items()}
        mapped = {f"{place}:0": handles[name] for place, name in graph.handles.items()}
        tf.graph_util.import_graph_def(graph.graph_def, input_map=mapped, name="")
        saver = v1.train.Saver()
        described = saver.export_meta_graph(strip_default_attrs=True)
        _sign(described.signature_def[_SIGNATURE], imported, graph)
    return described


def _sign(signature: Any, imported: Any, graph: InferenceGraph) -> None:
    sides = (
        (signature.inputs, {"images": f"{graph.input}:0"}),
        (signature.outputs, graph.outputs),
    )
    for side, names in sides:
        for key, name in names.items():
            tensor = imported.get_tensor_by_name(name)
            side[key].name, side[key].dtype = name, tensor.dtype.as_datatype_enum
            side[key].tensor_shape.CopyFrom(tensor.shape.as_proto())
    signature.method_name = _METHOD


def _variable(name: str, like: Any) -> Any:
    """Makes a variable of the current graph and returns its handle."""
    import tensorflow as tf

    keys = tf.compat.v1.GraphKeys
    made = tf.compat.v1.Variable(
        lambda: tf.zeros(like.shape, like.dtype),
        name=name,
        trainable=like.trainable,
        # Slim finds what a checkpoint of a model holds by this collection.
        collections=[keys.GLOBAL_VARIABLES, keys.MODEL_VARIABLES],
        use_resource=True,
    )
    return made.handle
