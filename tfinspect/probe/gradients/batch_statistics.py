"""What mixes the examples of a batch on purpose, and is refused: statistics over the batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tensorflow.python.eager import context
from tensorflow.python.framework import function_def_to_graph

from tfinspect.errors import NetworkError
from tfinspect.probe.gradients.axis_rules import BATCH_NORMS, REDUCTIONS, reduced_axes

Op = Any
Tensor = Any
_CURE = (
    "build the model in inference mode (slim: is_training=False, Keras: training=False), so that "
    "the moving averages are used"
)


@dataclass(frozen=True)
class Examples:
    """The examples of a graph.

    Attributes:
      count: how many there are.
      alone: whether the graph takes one at a time: then no reduction can mix any.
    """

    count: int
    alone: bool = False


def refuse(op: Op, likely: set[int], examples: Examples) -> None:
    """Refuses an op, which depends on the examples, where it computes over the batch.

    Args:
      op: to look at.
      likely: ids of the tensors whose first axis is likely the batch's.
      examples: of the graph.

    Raises:
      NetworkError: names the op, and the cure.
    """
    if op.type in BATCH_NORMS and op.get_attr("is_training") and not _is_layer_norm(op, examples):
        raise NetworkError(
            f"the batch normalization '{op.name}' is in training mode, which mixes the examples of "
            f"a batch: a single example has no gradient of its own; {_CURE}."
        )
    if op.type not in REDUCTIONS or examples.alone or not op.inputs[0].shape.rank:
        return
    if id(op.inputs[0]) in likely and 0 in reduced_axes(op):
        raise NetworkError(
            f"'{op.name}' ({op.type}) is taken over the batch, which mixes the examples: a single "
            f"example has no gradient of its own; where these are batch statistics, {_CURE}; a "
            "loss must give one value per example, no mean."
        )


def _is_layer_norm(op: Op, examples: Examples) -> bool:
    """Whether this is how tf_keras normalizes layers: `[1, N k, D, 1]` and constant scales."""
    shape = op.inputs[0].shape
    if not op.get_attr("data_format").startswith(b"NC") or shape.rank != 4:
        return False
    channels = shape[1] is None or shape[1] % examples.count == 0
    scaled = any(one.type == "ReadVariableOp" for one in ancestors([op.inputs[1]]))
    return shape[0] == 1 and shape[3] == 1 and channels and not scaled


def ancestors(outputs: list[Tensor]) -> list[Op]:
    """Returns the ops that tensors are computed from, in the order of their creation."""
    found: dict[int, Op] = {}
    waiting = [tensor.op for tensor in outputs]
    while waiting:
        op = waiting.pop()
        if id(op) not in found:
            found[id(op)] = op
            waiting.extend(tensor.op for tensor in op.inputs)
    operations = outputs[0].graph.get_operations()
    order = {id(op): place for place, op in enumerate(operations)}
    return sorted(found.values(), key=lambda op: order[id(op)])


def bodies(op: Op) -> Iterator[tuple[Any, list[Tensor]]]:
    """Yields the graph of each function that an op calls, and the op's inputs that enter it."""
    for attr in op.node_def.attr.values():
        called = [attr.func.name] if attr.HasField("func") else [f.name for f in attr.list.func]
        for name in called:
            definition = _definition(op.graph, name)
            given = list(op.inputs)[len(op.inputs) - len(definition.signature.input_arg) :]
            with op.graph.as_default():
                yield _body(definition, given), given


def _definition(graph: Any, name: str) -> Any:
    function = graph._get_function(name)
    # A function's own functions are known to the runtime alone.
    known = context.context().get_function_def
    return known(name) if function is None else function.definition


def _body(definition: Any, given: list[Tensor]) -> Any:
    return function_def_to_graph.function_def_to_graph(
        definition, input_shapes=[tensor.shape for tensor in given]
    )
