"""Per-example gradients of dense layers, biases, scales, batch normalization and embeddings."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import handle_data_util

from tfinspect.probe.gradients.contribution import Contribution, Factors, Lookups
from tfinspect.probe.gradients.convolution import channels_last

Tensor = Any
Op = Any


def _per_example(tensor: Tensor, examples: int) -> Tensor:
    """`[N k, ..., C]` to `[N, P, C]`."""
    return tf.reshape(tensor, [examples, -1, int(tensor.shape[-1])])


def matmul_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns the contribution of `y = x W`, x `[N k, I]`, W `[I, O]` or transposed."""
    x = op.inputs[0]
    flipped = op.get_attr("transpose_b" if op.type == "MatMul" else "adj_y")
    positions = x.shape.num_elements() // examples // int(x.shape[-1])
    left, right = (dy, x) if flipped else (x, dy)

    def factors() -> tuple[Tensor, Tensor]:
        return _per_example(left, examples), _per_example(right, examples)

    def blocks() -> list[Tensor]:
        first, second = factors()
        if positions == 1:
            # A product without a sum is cheaper than many matmuls of single columns.
            return [tf.transpose(first, [0, 2, 1]) * second]
        return [tf.matmul(first, second, transpose_a=True)]

    sizes = Factors(factors, positions, int(left.shape[-1]), int(right.shape[-1]))
    return Contribution("matmul", blocks, sizes)


def batch_matmul_gradient(op: Op, dy: Tensor, examples: int) -> Contribution | None:
    """Returns the contribution of a batched matmul with one matrix for all of the batch."""
    if op.inputs[1].shape.num_elements() != op.inputs[1].shape[-1] * op.inputs[1].shape[-2]:
        return None
    return None if op.get_attr("adj_x") else matmul_gradient(op, dy, examples)


def bias_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns the contribution of BiasAdd: dy summed over the positions."""
    first = op.get_attr("data_format").decode().startswith("NC")

    def blocks() -> list[Tensor]:
        if first and dy.shape.rank > 2:
            flat = tf.reshape(dy, [dy.shape[0], dy.shape[1], -1])
            return [
                tf.reduce_sum(tf.reshape(tf.reduce_sum(flat, 2), [examples, -1, dy.shape[1]]), 1)
            ]
        return [_sum_positions(dy, examples)]

    return Contribution("bias", blocks)


def _sum_positions(dy: Tensor, examples: int) -> Tensor:
    # bfloat16 would lose digits in a sum over many positions.
    return tf.reduce_sum(tf.cast(_per_example(dy, examples), tf.float32), 1)


def offset_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns the contribution of batch normalization's offset."""
    return Contribution(
        "batch normalization", lambda: [_sum_positions(channels_last(op, dy), examples)]
    )


def scale_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns that of its scale: `sum over p of dy (x - mean) / sqrt(variance + epsilon)`."""

    def blocks() -> list[Tensor]:
        x = tf.cast(channels_last(op, op.inputs[0]), tf.float32)
        centred = x - op.inputs[3]
        weighted = tf.cast(channels_last(op, dy), tf.float32) * centred
        return [_sum_positions(weighted, examples) * inverse_deviation(op)]

    return Contribution("batch normalization", blocks)


def inverse_deviation(op: Op) -> Tensor:
    """Returns `1 / sqrt(variance + epsilon)` of a FusedBatchNorm op in inference mode, `[C]`."""
    return tf.math.rsqrt(op.inputs[4] + op.get_attr("epsilon"))


def elementwise_gradient(index: int) -> Callable[[Op, Tensor, int], Contribution | None]:
    """Returns the rule for the parameter at an index of an op such as Mul, with broadcasting."""

    def rule(op: Op, dy: Tensor, examples: int) -> Contribution | None:
        parameter = op.inputs[index]
        rank, of = parameter.shape.rank, dy.shape.rank
        if rank is None or (rank == of and parameter.shape[0] != 1):
            return None

        def blocks() -> list[Tensor]:
            slopes = _SLOPES[op.type, index](op)
            local = dy if slopes is None else dy * slopes
            shape = [1] * (of - rank) + parameter.shape.as_list()
            axes = [axis for axis in range(1, of) if shape[axis] == 1]
            summed = tf.reduce_sum(local, axes, keepdims=True) if axes else local
            rows = int(dy.shape[0]) // examples
            if rows > 1:
                summed = tf.reshape(summed, [examples, rows, *summed.shape[1:]])
                summed = tf.reduce_sum(summed, 1)
            return [summed]

        return Contribution(f"elementwise {op.type}", blocks)

    return rule


# The derivative of an op with respect to its parameter, per element; None means 1.
_SLOPES: dict[tuple[str, int], Callable[[Op], Tensor | None]] = {
    **dict.fromkeys(
        (("Add", 0), ("Add", 1), ("AddV2", 0), ("AddV2", 1), ("Sub", 0)), lambda _: None
    ),
    ("Sub", 1): lambda op: -tf.ones([], op.inputs[1].dtype),
    ("Mul", 0): lambda op: op.inputs[1],
    ("Mul", 1): lambda op: op.inputs[0],
    ("RealDiv", 1): lambda op: -op.outputs[0] / op.inputs[1],
}


def einsum_gradient(index: int) -> Callable[[Op, Tensor, int], Contribution | None]:
    """Returns the rule for the parameter at an index of an Einsum of two."""

    def rule(op: Op, dy: Tensor, examples: int) -> Contribution | None:
        operands, _, output = op.get_attr("equation").decode().partition("->")
        terms = operands.split(",")
        if len(terms) != 2 or dy.shape[0] != examples:
            return None
        mine, other = terms[index], terms[1 - index]
        apart = set(mine) <= set(other) | set(output)
        if not apart or any(len(set(term)) != len(term) for term in (*terms, output)):
            return None
        equation = f"{other},{output}->{output[0]}{mine}"
        return Contribution("einsum", lambda: [tf.einsum(equation, op.inputs[1 - index], dy)])

    return rule


def embedding_gradient(op: Op, dy: Tensor, examples: int) -> Contribution | None:
    """Returns the contribution of a lookup: each row of dy added to the row that was looked up."""
    table, indices = op.inputs[0], op.inputs[1]
    shape = _variable_shape(op) if table.dtype == tf.resource else table.shape
    if shape is None or not shape.is_fully_defined() or op.get_attr("batch_dims"):
        return None

    vocabulary, columns = int(shape[0]), shape[1:].num_elements()

    def lookups() -> tuple[Tensor, Tensor]:
        ids = tf.cast(tf.reshape(indices, [examples, -1]), tf.int64)
        return ids, tf.reshape(dy, [examples, ids.shape[1], columns])

    def blocks() -> list[Tensor]:
        ids, rows = lookups()
        segments = tf.reshape(ids + vocabulary * tf.range(examples, dtype=tf.int64)[:, None], [-1])
        flat = tf.reshape(rows, [-1, columns])
        summed = tf.math.unsorted_segment_sum(flat, segments, examples * vocabulary)
        return [tf.reshape(summed, [examples, -1])]

    rows = Lookups(lookups, vocabulary, columns)
    return Contribution("embedding lookup", blocks, lookups=rows)


def _variable_shape(op: Op) -> Any:
    data = handle_data_util.get_resource_handle_data(op.inputs[0])
    return tf.TensorShape(data.shape_and_type[0].shape) if data.shape_and_type else None


RULES: dict[tuple[str, int], Callable[[Op, Tensor, int], Contribution | None]] = {
    ("MatMul", 1): matmul_gradient,
    **dict.fromkeys(
        [("BatchMatMul", 1), ("BatchMatMulV2", 1), ("BatchMatMulV3", 1)], batch_matmul_gradient
    ),
    ("BiasAdd", 1): bias_gradient,
    **{
        (f"FusedBatchNorm{version}", index): rule
        for version in ("", "V2", "V3")
        for index, rule in ((1, scale_gradient), (2, offset_gradient))
    },
    **{key: elementwise_gradient(key[1]) for key in _SLOPES},
    **{("Einsum", index): einsum_gradient(index) for index in (0, 1)},
    ("GatherV2", 0): embedding_gradient,
    ("ResourceGather", 0): embedding_gradient,
}
