"""Shapes that a file does not say, inferred by TensorFlow from the graph itself."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from tfinspect.entries import Key, OpEntry, Shape
from tfinspect.errors import ArtifactError


def with_shapes(artifact: Any) -> list[OpEntry]:
    """Returns an artifact's ops with every shape that can be inferred; imports TensorFlow.

    Raises:
      ArtifactError: TensorFlow refuses the graph, such as one with ops that it does not have.
    """
    shapes = inferred_shapes(artifact)
    return [
        dataclasses.replace(
            op,
            outputs=tuple(
                dataclasses.replace(
                    tensor, shape=_better(tensor.shape, shapes.get((op.function, tensor.name)))
                )
                for tensor in op.outputs
            ),
        )
        for op in artifact.ops
    ]


def _better(stored: Shape, found: Shape) -> Shape:
    """Takes what either knows; what the file says stands."""
    if stored is None or found is None or len(stored) != len(found):
        return found if stored is None else stored
    return tuple(
        theirs if ours is None else ours for ours, theirs in zip(stored, found, strict=True)
    )


def inferred_shapes(artifact: Any) -> dict[Key, Shape]:
    """Imports a graph into TensorFlow and returns (function, tensor name) -> shape.

    Raises:
      ArtifactError: TensorFlow refuses the graph.
    """
    import tensorflow as tf

    graph_def = tf.compat.v1.GraphDef.FromString(artifact.graph_def())
    graph = tf.Graph()
    try:
        with graph.as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
        shapes = dict(_shapes(None, graph.get_operations()))
        for function in graph_def.library.function:
            shapes.update(_function_shapes(function, graph))
    except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ArtifactError(
            f"TensorFlow cannot infer the shapes of '{artifact.path}': {reason}; "
            "list it without --shapes."
        ) from error
    return shapes


def _function_shapes(function: Any, graph: Any) -> dict[Key, Shape]:
    from tensorflow.python.framework import function_def_to_graph

    with graph.as_default():
        body = function_def_to_graph.function_def_to_graph(function)
    return dict(_shapes(function.signature.name, body.get_operations()))


def _shapes(function: str | None, operations: Iterable[Any]) -> Iterable[tuple[Key, Shape]]:
    for operation in operations:
        for tensor in operation.outputs:
            shape = tensor.shape
            yield (
                (function, tensor.name),
                None if shape.rank is None else tuple(shape.as_list()),
            )
