"""Which tensors hold the examples apart: the proof that the rules per op may be used.

A tensor is *example-major* when its first axis has `n * k` rows and rows `i * k .. (i + 1) * k - 1`
depend on example `i` alone. Images and labels are (k = 1); `axis_rules` says which ops keep this.
An op that is not there might mix the examples, so that nothing is assumed of its outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.probe.gradients import batch_statistics
from tfinspect.probe.gradients.axis_rules import BATCH_NORMS, RULES
from tfinspect.probe.gradients.batch_statistics import Examples

Op = Any
Tensor = Any
# Their outputs depend on shapes alone, which are the same for every example.
SHAPE_OPS = frozenset({"Shape", "ShapeN", "Size", "Rank"})
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


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


def follow(
    ops: Sequence[Op],
    sources: Sequence[Tensor],
    examples: Examples,
    reached: Sequence[Tensor] = (),
) -> BatchAxis:
    """Follows the examples from the sources through ops in the order of their creation.

    Args:
      ops: of one graph.
      sources: example-major tensors.
      examples: of the graph.
      reached: tensors that depend on the examples in another way.

    Raises:
      NetworkError: an op computes statistics over the batch.
    """
    major = {id(source) for source in sources}
    seen = _Seen(examples, major, set(major), major | {id(tensor) for tensor in reached})
    unknown = None
    for op in ops:
        if op.type in SHAPE_OPS or not any(id(tensor) in seen.reached for tensor in op.inputs):
            continue
        batch_statistics.refuse(op, seen.likely, examples)
        _look_inside(op, seen)
        seen.reached.update(id(output) for output in op.outputs)
        if _add(op, seen):
            continue
        unknown = unknown or op
        if op.type not in RULES:
            seen.likely.update(id(output) for output in _as_long(op, seen.likely))
    return BatchAxis(examples.count, frozenset(major), frozenset(seen.reached), unknown)


@dataclass
class _Seen:
    """Ids of tensors, while they are followed.

    Attributes:
      examples: of the graph.
      major: example-major.
      likely: those that would be, if ops without a rule kept the first axis.
      reached: all that depend on the examples.
      blocked: what SpaceToBatchND and the convolution behind it made of example-major tensors.
    """

    examples: Examples
    major: set[int]
    likely: set[int]
    reached: set[int]
    blocked: set[int] = field(default_factory=set)


def _add(op: Op, seen: _Seen) -> bool:
    """Adds the outputs of an op to what they are; returns whether examples stay apart."""
    if _in_blocks(op, seen):
        seen.blocked.add(id(op.outputs[0]))
        return True
    outputs = {id(output) for output in _examined(op)}
    apart = _out_of_blocks(op, seen.blocked) or _keeps(op, seen.major, seen)
    if apart:
        seen.major.update(outputs)
    if apart or _keeps(op, seen.likely, seen):
        seen.likely.update(outputs)
    return apart


def _as_long(op: Op, likely: set[int]) -> list[Tensor]:
    """Returns the outputs whose first axis is as long as that of a tensor in `likely`."""
    lengths = {one.shape[0] for one in op.inputs if id(one) in likely and one.shape.rank}
    return [one for one in op.outputs if one.shape.rank and one.shape[0] in lengths - {None}]


def _look_inside(op: Op, seen: _Seen) -> None:
    """Follows the examples into the functions that an op calls, for what is refused there."""
    for graph, given in batch_statistics.bodies(op):
        pairs = list(zip(graph.inputs, given, strict=True))
        inside = [inner for inner, outer in pairs if id(outer) in seen.likely]
        reached = [inner for inner, outer in pairs if id(outer) in seen.reached]
        follow(graph.get_operations(), inside, seen.examples, reached)


def _in_blocks(op: Op, seen: _Seen) -> bool:
    # A dilated convolution is an ordinary one between SpaceToBatchND and its inverse.
    data = op.inputs[0]
    if op.type == "SpaceToBatchND":
        return id(data) in seen.major and data.shape[0] == seen.examples.count
    direct = op.type in _CONVOLUTIONS and data.op.type == "SpaceToBatchND"
    return direct and id(data) in seen.blocked


def _out_of_blocks(op: Op, blocked: set[int]) -> bool:
    if op.type != "BatchToSpaceND" or id(op.inputs[0]) not in blocked:
        return False
    convolution = op.inputs[0].op
    if convolution.type not in _CONVOLUTIONS:
        return False
    sizes = [tf.get_static_value(one.inputs[1]) for one in (convolution.inputs[0].op, op)]
    return all(size is not None for size in sizes) and bool(np.array_equal(*sizes))


def _examined(op: Op) -> list[Tensor]:
    # The other outputs of a batch normalization are its averages.
    return op.outputs[:1] if op.type in BATCH_NORMS else list(op.outputs)


def _keeps(op: Op, major: set[int], seen: _Seen) -> bool:
    """Whether the outputs are example-major if the tensors in `major` are."""
    rule = RULES.get(op.type)
    batched = [id(tensor) in seen.reached for tensor in op.inputs]
    if rule is None or not all(id(t) in major for t in op.inputs if id(t) in seen.reached):
        return False
    for output in _examined(op):
        leading = output.shape[0] if output.shape.rank else None
        if leading is None or leading % seen.examples.count:
            return False
    return rule(op, batched)
