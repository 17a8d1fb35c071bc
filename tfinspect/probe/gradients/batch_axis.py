"""Which tensors hold the examples apart: the proof that the rules per op may be used.

A tensor is *example-major* when its first axis has `n * k` rows and rows `i * k .. (i + 1) * k - 1`
depend on example `i` alone. Images and labels are (k = 1); `axis_rules` says which ops keep this.
An op that is not there might mix the examples, so that nothing is assumed of its outputs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.errors import NetworkError
from tfinspect.probe.gradients.axis_rules import BATCH_NORMS, REDUCTIONS, RULES, reduced_axes

Op = Any
Tensor = Any
# Their outputs depend on shapes alone, which are the same for every example.
SHAPE_OPS = frozenset({"Shape", "ShapeN", "Size", "Rank"})
_CURE = (
    "build the model in inference mode (slim: is_training=False, Keras: training=False), so that "
    "the moving averages are used"
)


@dataclass(frozen=True)
class BatchAxis:
    """What is known of a graph's tensors.

    Attributes:
      examples: how many there are.
      major: ids of the example-major tensors.
      reached: ids of all tensors that depend on the images or labels.
      unknown: the first op that may mix examples; None if all keep them apart.
    """

    examples: int
    major: frozenset[int]
    reached: frozenset[int]
    unknown: Op | None


def ancestors(outputs: Iterable[Tensor]) -> list[Op]:
    """Returns the ops that tensors are computed from, in the order of their creation."""
    found: dict[int, Op] = {}
    waiting = [tensor.op for tensor in outputs]
    while waiting:
        op = waiting.pop()
        if id(op) not in found:
            found[id(op)] = op
            waiting.extend(tensor.op for tensor in op.inputs)
    order = {
        id(op): place for place, op in enumerate(tf.compat.v1.get_default_graph().get_operations())
    }
    return sorted(found.values(), key=lambda op: order[id(op)])


def follow(ops: Sequence[Op], sources: Sequence[Tensor], examples: int) -> BatchAxis:
    """Follows the examples from the sources through ops in the order of their creation.

    Raises:
      NetworkError: an op computes statistics over the batch.
    """
    major = {id(source) for source in sources}
    reached, unknown = set(major), None
    blocked: set[int] = set()  # what SpaceToBatchND made of example-major tensors
    for op in ops:
        if op.type in SHAPE_OPS or not any(id(tensor) in reached for tensor in op.inputs):
            continue
        _refuse_batch_statistics(op, major)
        reached.update(id(output) for output in op.outputs)
        if _in_blocks(op, major, blocked):
            blocked.add(id(op.outputs[0]))
        elif _out_of_blocks(op, blocked) or _keeps(op, major, reached, examples):
            major.update(id(output) for output in _examined(op))
        elif unknown is None:
            unknown = op
    return BatchAxis(examples, frozenset(major), frozenset(reached), unknown)


def _refuse_batch_statistics(op: Op, major: set[int]) -> None:
    if op.type in BATCH_NORMS and op.get_attr("is_training") and _normalizes_batch(op, major):
        raise NetworkError(
            f"the batch normalization '{op.name}' is in training mode, which mixes the examples of "
            f"a batch: a single example has no gradient of its own; {_CURE}."
        )
    over_batch = op.type in REDUCTIONS and id(op.inputs[0]) in major and 0 in reduced_axes(op)
    if over_batch and op.inputs[0].shape.rank:
        raise NetworkError(
            f"'{op.name}' ({op.type}) is taken over the batch, which mixes the examples: a single "
            f"example has no gradient of its own; where these are batch statistics, {_CURE}; a "
            "loss must give one value per example, no mean."
        )


def _in_blocks(op: Op, major: set[int], blocked: set[int]) -> bool:
    # A dilated convolution is an ordinary one between SpaceToBatchND and its inverse.
    if op.type == "SpaceToBatchND":
        return id(op.inputs[0]) in major
    return op.type in ("Conv2D", "DepthwiseConv2dNative") and id(op.inputs[0]) in blocked


def _out_of_blocks(op: Op, blocked: set[int]) -> bool:
    return op.type == "BatchToSpaceND" and id(op.inputs[0]) in blocked


def _examined(op: Op) -> list[Tensor]:
    # The other outputs of a batch normalization are its averages.
    return op.outputs[:1] if op.type in BATCH_NORMS else list(op.outputs)


def _normalizes_batch(op: Op, major: set[int]) -> bool:
    # tf_keras computes layer normalization by this op, with the examples as channels and constant
    # scales.
    scaled = any(one.type == "ReadVariableOp" for one in ancestors([op.inputs[1]]))
    return id(op.inputs[0]) in major or scaled


def _keeps(op: Op, major: set[int], reached: set[int], examples: int) -> bool:
    rule = RULES.get(op.type)
    batched = [id(tensor) in reached for tensor in op.inputs]
    if rule is None or not all(id(t) in major for t in op.inputs if id(t) in reached):
        return False
    for output in _examined(op):
        leading = output.shape[0] if output.shape.rank else None
        if leading is None or leading % examples:
            return False
    return rule(op, batched)
