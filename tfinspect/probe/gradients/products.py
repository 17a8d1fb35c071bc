"""Norms of gradients that are products of positions, or rows of a table: neither is put together.

A parameter of K x O numbers that is used at several places is summed over all of them:

    |sum over p of l_p r_p' + sum over t of e_i(t) g_t'|^2

with l_p of length K, r_p and g_t of length O, and e_i the i-th unit vector.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfinspect.probe.gradients.contribution import Contribution, Factors, Lookups

Tensor = Any
Pair = tuple[Tensor, Tensor]


def cheaper(contributions: Sequence[Contribution]) -> bool:
    """Whether products of P positions cost less than the K x O gradient itself.

    Rows that are looked up always do: there are no more of them than positions.
    """
    known: list[Factors | Lookups | None] = [one.factors or one.lookups for one in contributions]
    if len({one and (one.rows, one.columns) for one in known}) != 1 or known[0] is None:
        return False
    positions = sum(one.positions for one in known if isinstance(one, Factors))
    rows, columns = known[0].rows, known[0].columns
    return positions == 0 or positions * (rows + columns) < rows * columns


def squared(parts: Sequence[Any]) -> Tensor:
    """Returns the squared norms of the sum of some `Part`s, float32 `[N]`."""
    dense = [part.made(part.contribution.factors.make) for part in parts if _is_product(part)]
    rows = [part.made(part.contribution.lookups.make) for part in parts if not _is_product(part)]
    if not rows:
        return _gram(_end_to_end(dense))
    looked_up = _end_to_end(rows)
    if not dense:
        return _rows_squared(looked_up)
    product = _end_to_end(dense)
    total = _gram(product) + 2 * _crossed(product, looked_up) + _rows_squared(looked_up)
    return tf.maximum(total, 0.0)


def _is_product(part: Any) -> bool:
    return part.contribution.factors is not None


def _end_to_end(pairs: Sequence[Pair]) -> Pair:
    """Several uses as one with more positions."""
    first, second = (
        tf.concat(side, 1) if len(side) > 1 else side[0] for side in zip(*pairs, strict=True)
    )
    return _float32(first), _float32(second)


def _float32(tensor: Tensor) -> Tensor:
    return tf.cast(tensor, tf.float32) if tensor.dtype.is_floating else tensor


def _gram(pair: Pair) -> Tensor:
    """`sum over (p, q) of (l_p . l_q)(r_p . r_q)`."""
    left, right = pair
    if left.shape[1] == 1:
        return tf.reduce_sum(left * left, [1, 2]) * tf.reduce_sum(right * right, [1, 2])
    products = tf.matmul(left, left, transpose_b=True) * tf.matmul(right, right, transpose_b=True)
    # Rounding may leave a little less than nothing.
    return tf.maximum(tf.reduce_sum(products, [1, 2]), 0.0)


def _rows_squared(pair: Pair) -> Tensor:
    """Squares of what each example adds to the rows that it looks up, `[N, T, O]` at most."""
    ids, gradients = pair
    examples, positions = ids.shape
    numbers = tf.repeat(tf.range(examples), positions)
    # Those that no other example and no other row has.
    keys = tf.reshape(ids, [-1]) * examples + tf.cast(numbers, tf.int64)
    segments = tf.unique(keys).idx
    flat = tf.reshape(gradients, [examples * positions, -1])
    sums = tf.math.unsorted_segment_sum(flat, segments, examples * positions)
    squares = tf.reduce_sum(tf.square(sums), 1)
    # A segment belongs to one example, that of any of its positions.
    owners = tf.math.unsorted_segment_max(numbers, segments, examples * positions)
    return tf.math.unsorted_segment_sum(squares, owners, examples)


def _crossed(product: Pair, looked_up: Pair) -> Tensor:
    """`sum over (p, t) of l_p[i(t)] (r_p . g_t)`."""
    (left, right), (ids, gradients) = product, looked_up
    chosen = tf.gather(left, ids, axis=2, batch_dims=1)
    products = chosen * tf.matmul(right, gradients, transpose_b=True)
    return tf.reduce_sum(products, [1, 2])
