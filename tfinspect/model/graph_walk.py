"""Which ops of a live graph others are computed from, and which are computed from them."""

from collections.abc import Callable, Sequence
from typing import Any

# What they give depends on shapes alone.
SHAPE_OPS = frozenset({"Shape", "ShapeN", "Size", "Rank"})


def sources_of(
    tensors: Sequence[Any], follow: Callable[[Any], bool] = lambda _: True
) -> dict[str, Any]:
    """Returns the ops that tensors of one graph are computed from, by name.

    Args:
      tensors: their own ops are among those returned.
      follow: tells of an op's input whether what it comes from counts.
    """
    found = {tensor.op.name: tensor.op for tensor in tensors}
    waiting = list(found.values())
    while waiting:
        for tensor in waiting.pop().inputs:
            if tensor.op.name not in found and follow(tensor):
                found[tensor.op.name] = tensor.op
                waiting.append(tensor.op)
    return found


def reached_from(tensor: Any, stop: frozenset[str] = frozenset()) -> frozenset[str]:
    """Returns the names of the ops that a tensor's value flows into, and of its own op.

    Args:
      tensor: of a graph.
      stop: types of ops that are not entered.
    """
    reached = {tensor.op.name}
    waiting = [tensor.op]
    while waiting:
        for output in waiting.pop().outputs:
            for consumer in output.consumers():
                if consumer.name not in reached and consumer.type not in stop:
                    reached.add(consumer.name)
                    waiting.append(consumer)
    return frozenset(reached)
