"""What the ops of a graph cost for one example: floating-point operations and bytes of output.

Counted are convolutions, transposed ones too, and matrix products (a multiply and an add are two
operations), pooling (one per element of a window) and batch normalization (a multiply and an add
per element, as in inference). Of gradients that of a convolution to what it takes counts, for it is
a transposed convolution; biases, activations and the rest of a graph count as nothing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tfinspect.entries import Key, OpEntry, Shape, TensorEntry

_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class Cost:
    """What one op costs.

    Attributes:
      flops: None where a shape that it depends on is not known.
      activation_bytes: size of its first output, for floating-point outputs of the ops counted.
    """

    flops: int | None
    activation_bytes: int | None


def op_costs(ops: Sequence[OpEntry]) -> dict[Key, Cost]:
    """Returns (function, op) -> cost for the ops that are counted.

    Args:
      ops: of a graph, with shapes; an unknown first axis, the batch's, counts as 1.
    """
    shapes = {
        (op.function, tensor.name): _single(tensor.shape) for op in ops for tensor in op.outputs
    }
    return {
        (op.function, op.name): _cost(op, shapes)
        for op in ops
        if op.op_type in _RULES and op.outputs
    }


def _single(shape: Shape) -> Shape:
    """Puts a batch of one in the place of an unknown first axis."""
    if shape and shape[0] is None:
        return (1, *shape[1:])
    return shape


def _cost(op: OpEntry, shapes: Mapping[Key, Shape]) -> Cost:
    taken = [shapes.get((op.function, name)) for name in op.inputs]
    made = shapes[op.function, op.outputs[0].name]
    elements = _elements(made)
    if made is None or elements is None:
        return Cost(None, None)
    return Cost(_flops(op, taken, made), _bytes(op.outputs[0], elements))


def _flops(op: OpEntry, taken: Sequence[Shape], made: Shape) -> int | None:
    per_element = _RULES[op.op_type](op, taken, made or ())
    if op.op_type in _TRANSPOSED:
        # Each element of the map that is taken, not of the one that is made, meets the filter.
        made = taken[2] if len(taken) > 2 else None
    elements = _elements(made)
    return None if per_element is None or elements is None else elements * per_element


def _elements(shape: Shape) -> int | None:
    if shape is None or None in shape:
        return None
    return math.prod(shape)  # type: ignore[arg-type]


def _bytes(tensor: TensorEntry, elements: int) -> int | None:
    size = _BYTES.get(tensor.dtype)
    return None if size is None else elements * size


# Each rule returns the operations per element of the output, of transposed convolutions per element
# of the input; None where they are not known.
Rule = Callable[[OpEntry, Sequence[Shape], Sequence[int | None]], int | None]


def _convolution(op: OpEntry, taken: Sequence[Shape], made: Sequence[int | None]) -> int | None:
    del op, made
    # The filter is [height, width, input channels of a group, output channels]; a transposed
    # convolution takes what such a one makes, and makes what it takes.
    filters = taken[1] if len(taken) > 1 else None
    area = _elements(filters[:-1]) if filters else None
    return None if area is None else 2 * area


def _depthwise(op: OpEntry, taken: Sequence[Shape], made: Sequence[int | None]) -> int | None:
    del op, made
    filters = taken[1] if len(taken) > 1 else None
    area = _elements(filters[:2]) if filters else None
    return None if area is None else 2 * area


def _matmul(op: OpEntry, taken: Sequence[Shape], made: Sequence[int | None]) -> int | None:
    del op
    # Transposed or not, the last two axes of the second factor hold inner size times columns.
    second = taken[1] if len(taken) > 1 else None
    elements = _elements(second[-2:]) if second else None
    columns = made[-1] if made else None
    return 2 * elements // columns if elements is not None and columns else None


def _einsum(op: OpEntry, taken: Sequence[Shape], made: Sequence[int | None]) -> int | None:
    """Counts a multiply and an add for each element of the axes that are summed over.

    An axis of `...` that is summed over has no name, and what it costs is not counted.
    """
    del made
    factors, arrow, result = op.equation.partition("->")
    terms = factors.split(",")
    if not arrow or len(terms) != len(taken) or None in taken:
        return None
    if "..." in factors and "..." not in result:
        return None
    sizes: dict[str, int | None] = {}
    for term, shape in zip(terms, taken, strict=True):
        before, _, behind = term.partition("...")
        axes = [*zip(before, shape or (), strict=False)]
        axes += zip(reversed(behind), reversed(shape or ()), strict=False)
        # An axis that one factor does not know may be known of another.
        sizes |= {letter: size for letter, size in axes if sizes.get(letter) is None}
    summed = [size for letter, size in sizes.items() if letter not in result]
    if len(terms) == 1 and not summed:
        # Axes in another order.
        return 0
    return None if None in summed else len(terms) * math.prod(summed)  # type: ignore[arg-type]


def _pooling(op: OpEntry, taken: Sequence[Shape], made: Sequence[int | None]) -> int | None:
    del taken, made
    return math.prod(op.window) if op.window else None


def _batch_norm(op: OpEntry, taken: Sequence[Shape], made: Sequence[int | None]) -> int | None:
    del op, taken, made
    return 2


_TRANSPOSED = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
_RULES: dict[str, Rule] = {
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    **dict.fromkeys(_TRANSPOSED, _convolution),
    "_FusedConv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "MatMul": _matmul,
    "_FusedMatMul": _matmul,
    "BatchMatMul": _matmul,
    "BatchMatMulV2": _matmul,
    "BatchMatMulV3": _matmul,
    "Einsum": _einsum,
    "AvgPool": _pooling,
    "AvgPool3D": _pooling,
    "MaxPool": _pooling,
    "MaxPool3D": _pooling,
    "MaxPoolWithArgmax": _pooling,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
}
