"""Which stored examples make up each batch, for splits whose examples can be had by number."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfinspect.data.order import Order, Purpose
from tfinspect.data.share import Share

# key(int64 [2]), count -> what chance decides about the examples, tensors [count, …].
Draw = Callable[[Any, int], Any]


def shuffled_batches(
    order: Order, examples: int, batch_size: int, draw: Draw, share: Share | None = None
) -> Any:
    """Returns a data set of example numbers and of what chance decides about them.

    Args:
      order: of the run.
      examples: how many are stored.
      batch_size: examples in a batch; the last one of an epoch holds what is left.
      draw: what is drawn for each example of an epoch.
      share: the part of each batch that is wanted; None wants all.

    Returns:
      int32 `[B]`, numbers of stored examples in each epoch's random order, and the draws `[B, …]`.
    """

    @tf.autograph.experimental.do_not_convert
    def plan(epoch: Any) -> tuple[Any, Any]:
        permutation = order.permutation(epoch, Purpose.EXAMPLES, examples)
        draws = draw(order.key(epoch, Purpose.AUGMENTATION), order.per_epoch)
        return permutation[: order.per_epoch], draws

    whole = order.per_epoch % batch_size == 0

    @tf.autograph.experimental.do_not_convert
    def in_batches(permutation: Any, draws: Any) -> Any:
        one_by_one = tf.data.Dataset.from_tensor_slices((permutation, draws))
        return one_by_one.batch(batch_size, drop_remainder=whole)

    dataset = order.remaining_epochs().map(plan).prefetch(1).flat_map(in_batches)
    dataset = dataset.skip(order.start % order.per_epoch // batch_size)
    return dataset if share is None else dataset.map(share.cut)
