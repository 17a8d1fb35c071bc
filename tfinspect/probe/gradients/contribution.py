"""What one op contributes to the per-example gradients of its parameter, built when asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Tensor = Any


@dataclass(frozen=True)
class Factors:
    """A gradient that is a product: `sum over p of left[n, p, k] * right[n, p, o]`.

    Attributes:
      make: returns left `[N, P, K]` and right `[N, P, O]`.
      positions: P.
      rows: K.
      columns: O.
    """

    make: Callable[[], tuple[Tensor, Tensor]]
    positions: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Lookups:
    """A gradient that adds rows to rows of a table: row `ids[n, t]` gets `gradients[n, t]`.

    Attributes:
      make: returns ids, int64 `[N, T]`, and gradients `[N, T, O]`.
      rows: K of the table.
      columns: O, its other axes as one.
    """

    make: Callable[[], tuple[Tensor, Tensor]]
    rows: int
    columns: int


@dataclass(frozen=True)
class Contribution:
    """Per-example gradients with respect to one parameter tensor at one op.

    Attributes:
      rule: which rule this is, in words.
      blocks: returns tensors `[N, ...]` which, flattened per example and laid end to end, are the
        gradient in the parameter's own order; norms are taken block by block.
      factors: the same as a product; None where there is none.
      lookups: the same as rows; None for what is no lookup.
    """

    rule: str
    blocks: Callable[[], list[Tensor]]
    factors: Factors | None = None
    lookups: Lookups | None = None


def joined(blocks: list[Tensor], shape: Any) -> Tensor:
    """Returns `[N, *shape]` from blocks."""
    count = blocks[0].shape[0]
    flat = [tf.reshape(block, [count, -1]) for block in blocks]
    return tf.reshape(flat[0] if len(flat) == 1 else tf.concat(flat, 1), [count, *shape])


def squared(blocks: list[Tensor]) -> Tensor:
    """Returns the sum of the squares of each example, float32 `[N]`."""
    flat = [tf.reshape(tf.cast(block, tf.float32), [block.shape[0], -1]) for block in blocks]
    # One pass over the values; a square and its sum would be two, and a copy.
    return tf.add_n([tf.square(tf.math.reduce_euclidean_norm(rows, 1)) for rows in flat])
