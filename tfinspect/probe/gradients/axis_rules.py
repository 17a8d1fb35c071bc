"""Ops that keep the examples of a batch apart: which, and under what conditions.

A rule gets an op and which of its inputs depend on the examples; those are example-major (see
`batch_axis`). It tells whether the outputs are, too, given that the rows of their first axis are a
multiple of the number of examples.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Op = Any
BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
Rule = Callable[[Op, list[bool]], bool]


def _constant(op: Op, index: int) -> Any:
    return tf.get_static_value(op.inputs[index])


def reduced_axes(op: Op) -> list[int]:
    """Returns the axes that a reduction is over; 0 where they are not known."""
    value = _constant(op, 1)
    rank = op.inputs[0].shape.rank
    if value is None or rank is None:
        return [0]
    return [int(axis) % max(rank, 1) for axis in value.reshape(-1)]


def _elementwise(op: Op, batched: list[bool]) -> bool:
    output = op.outputs[0].shape
    return all(
        tensor.shape.rank == output.rank and tensor.shape[0] == output[0]
        for tensor, flag in zip(op.inputs, batched, strict=True)
        if flag
    )


def _only(*indices: int) -> Rule:
    """Keeps the axis where these inputs alone depend on the examples."""

    def rule(op: Op, batched: list[bool]) -> bool:
        alone = all(flag == (place in indices) for place, flag in enumerate(batched))
        return alone and op.outputs[0].shape[0] == op.inputs[indices[0]].shape[0]

    return rule


def _row_major(op: Op, batched: list[bool]) -> bool:
    # Whole examples stay together in memory; `_keeps` has looked at the first axis.
    del op
    return batched[0] and not any(batched[1:])


def _not_axis_0(data: int, axis: int) -> Rule:
    def rule(op: Op, batched: list[bool]) -> bool:
        value = _constant(op, axis)
        rank = op.inputs[data].shape.rank
        return batched[data] and value is not None and 0 not in [int(v) % rank for v in value.flat]

    return rule


def _transpose(op: Op, batched: list[bool]) -> bool:
    permutation = _constant(op, 1)
    return batched[0] and permutation is not None and permutation[0] == 0


def _concat(op: Op, batched: list[bool]) -> bool:
    del batched
    axis = _constant(op, len(op.inputs) - 1)
    return axis is not None and int(axis) % op.outputs[0].shape.rank != 0


def _pack(op: Op, batched: list[bool]) -> bool:
    del batched
    return op.get_attr("axis") % op.outputs[0].shape.rank != 0


def _unpack(op: Op, batched: list[bool]) -> bool:
    del batched
    return op.get_attr("axis") % op.inputs[0].shape.rank != 0


def _first_row_is(index: int, value: int) -> Rule:
    def rule(op: Op, batched: list[bool]) -> bool:
        amounts = _constant(op, index)
        return batched[0] and amounts is not None and (amounts[0] == value).all()

    return rule


def _slice(op: Op, batched: list[bool]) -> bool:
    begin = _constant(op, 1)
    whole = op.outputs[0].shape[0] == op.inputs[0].shape[0]
    return batched[0] and begin is not None and begin[0] == 0 and whole


def _strided_slice(op: Op, batched: list[bool]) -> bool:
    strides = _constant(op, 3)
    if not batched[0] or any(batched[1:]) or strides is None:
        return False
    mask = {name: op.get_attr(f"{name}_mask") & 1 for name in _MASKS}
    if mask["ellipsis"]:
        return len(strides) - 1 < op.inputs[0].shape.rank
    return bool(
        mask["begin"]
        and mask["end"]
        and strides[0] == 1
        and not (mask["new_axis"] or mask["shrink_axis"])
    )


_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")


def _gather(op: Op, batched: list[bool]) -> bool:
    axis = _constant(op, 2)
    if axis is None or op.get_attr("batch_dims"):
        return False
    from_examples = batched[0] and not batched[1] and axis % op.inputs[0].shape.rank != 0
    return from_examples or (batched[1] and not batched[0] and axis == 0)


def _resource_gather(op: Op, batched: list[bool]) -> bool:
    return batched[1] and not op.get_attr("batch_dims")


def _matmul(op: Op, batched: list[bool]) -> bool:
    return batched == [True, False] and not op.get_attr("transpose_a")


def _batch_matmul(op: Op, batched: list[bool]) -> bool:
    output = op.outputs[0].shape
    return output.rank >= 3 and all(
        tensor.shape.rank == output.rank and tensor.shape[0] == output[0]
        if flag
        else tensor.shape.rank < output.rank or tensor.shape[0] == 1
        for tensor, flag in zip(op.inputs, batched, strict=True)
    )


def _einsum(op: Op, batched: list[bool]) -> bool:
    equation = op.get_attr("equation").decode()
    operands, _, output = equation.partition("->")
    terms = operands.split(",")
    first = output[:1]
    return first.isalpha() and all(
        term.startswith(first) and term.count(first) == 1 if flag else first not in term
        for term, flag in zip(terms, batched, strict=True)
    )


def _one_hot(op: Op, batched: list[bool]) -> bool:
    return batched[0] and not any(batched[1:]) and op.get_attr("axis") != 0


def _last_axis(op: Op, batched: list[bool]) -> bool:
    return all(batched[:1]) and op.inputs[0].shape.rank >= 2


REDUCTIONS = ("Mean", "Sum", "Max", "Min", "Prod", "All", "Any", "EuclideanNorm")
_ELEMENTWISE = [
    "Abs",
    "Add",
    "AddN",
    "AddV2",
    "BitwiseAnd",
    "BitwiseOr",
    "Cast",
    "Ceil",
    "CheckNumerics",
    "ClipByValue",
    "Cos",
    "Div",
    "DivNoNan",
    "Elu",
    "Equal",
    "Erf",
    "Erfc",
    "Exp",
    "Expm1",
    "FakeQuantWithMinMaxArgs",
    "Floor",
    "FloorDiv",
    "FloorMod",
    "Greater",
    "GreaterEqual",
    "Identity",
    "Inv",
    "IsFinite",
    "IsInf",
    "IsNan",
    "LeakyRelu",
    "Less",
    "LessEqual",
    "Log",
    "Log1p",
    "LogicalAnd",
    "LogicalNot",
    "LogicalOr",
    "Maximum",
    "Minimum",
    "Mod",
    "Mul",
    "MulNoNan",
    "Neg",
    "NotEqual",
    "OnesLike",
    "Pow",
    "PreventGradient",
    "RealDiv",
    "Reciprocal",
    "Relu",
    "Relu6",
    "Round",
    "Rsqrt",
    "Select",
    "SelectV2",
    "Selu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Snapshot",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Square",
    "SquaredDifference",
    "StopGradient",
    "Sub",
    "Tan",
    "Tanh",
    "TruncateDiv",
    "Xdivy",
    "Xlogy",
    "ZerosLike",
]
_SPATIAL = [
    "AvgPool",
    "AvgPool3D",
    "BiasAdd",
    "BiasAddV1",
    "Conv2D",
    "Conv3D",
    "DepthToSpace",
    "DepthwiseConv2dNative",
    "LRN",
    "MaxPool",
    "MaxPool3D",
    "ResizeArea",
    "ResizeBicubic",
    "ResizeBilinear",
    "ResizeNearestNeighbor",
    "SpaceToDepth",
]
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_SPATIAL, _only(0)),
    **dict.fromkeys(BATCH_NORMS, _only(0)),
    **dict.fromkeys(REDUCTIONS, _not_axis_0(0, 1)),
    **dict.fromkeys(("ArgMax", "ArgMin", "Cumsum"), _not_axis_0(0, 1)),
    **dict.fromkeys(("Reshape", "Squeeze", "ExpandDims"), _row_major),
    **dict.fromkeys(("Softmax", "LogSoftmax", "TopKV2"), _last_axis),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _first_row_is(1, 0)),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _batch_matmul),
    "SparseSoftmaxCrossEntropyWithLogits": _only(0, 1),
    "SoftmaxCrossEntropyWithLogits": _only(0, 1),
    "Conv2DBackpropInput": _only(2),
    "Transpose": _transpose,
    "ConcatV2": _concat,
    "Pack": _pack,
    "Unpack": _unpack,
    "Split": _not_axis_0(1, 0),
    "SplitV": _not_axis_0(0, 2),
    "Tile": _first_row_is(1, 1),
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "GatherV2": _gather,
    "ResourceGather": _resource_gather,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "OneHot": _one_hot,
}
