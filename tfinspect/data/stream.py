"""Splits too large for memory: read from their shards in every epoch, shuffled in a buffer."""

from typing import Any

import tensorflow as tf

from tfinspect.data import augment as augmentation
from tfinspect.data.batches import Batches
from tfinspect.data.load import PARALLELISM, require_shards
from tfinspect.data.order import Order, Purpose
from tfinspect.data.shuffled import Draw

# Serialized examples in the shuffle buffer.
SHUFFLE_EXAMPLES = 4096
# Shards that are read in turns.
_OPEN_SHARDS = 4
# Examples whose draws are in memory at one time.
DRAWN_EXAMPLES = 1 << 15


def streamed(batches: Batches, order: Order) -> Any:
    """Returns a data set of uint8 image batches, labels and augmentation draws.

    Shards come in a fresh order in every epoch, four of them in turns, and their records pass a
    shuffle buffer. A run that starts within an epoch reads the epoch's earlier records again, but
    decodes none of them.

    Raises:
      DataError: a shard is missing.
    """
    decoder = batches.decoder

    def decode(serialized: Any, draws: augmentation.Draws) -> tuple[Any, Any, augmentation.Draws]:
        images, labels = decoder(serialized)
        return images, labels, draws

    dataset = streamed_records(batches, order, augmentation.draw)
    return dataset.map(decode, num_parallel_calls=PARALLELISM)


def streamed_records(batches: Batches, order: Order, draw: Draw) -> Any:
    """Returns a data set of serialized examples, string `[B]`, and of their draws `[B, …]`.

    Raises:
      DataError: a shard is missing.
    """
    require_shards(batches.paths)
    by_file = batches.share is not None and batches.share.files is not None
    size = batches.local_batch_size if by_file else batches.batch_size
    whole = order.per_epoch % size == 0

    def one_epoch(epoch: Any) -> Any:
        records = _shuffled(_records(batches, order, epoch), order.key(epoch, Purpose.BUFFER))
        if by_file:
            # Where another process has more examples, the first ones again fill up.
            records = records.repeat()
        drawn = _draws(order, epoch, draw)
        # The zip ends with the draws, which are as many as an epoch's batches take.
        pairs = tf.data.Dataset.zip((records, drawn)).skip(order.skipped(epoch))
        return pairs.batch(size, drop_remainder=whole)

    # A parallel interleave of one opens the next epoch, and fills its shuffle buffer, ahead.
    dataset = order.remaining_epochs().interleave(
        one_epoch, cycle_length=1, num_parallel_calls=1, deterministic=True
    )
    return dataset if batches.share is None or by_file else dataset.map(batches.share.cut)


def _records(batches: Batches, order: Order, epoch: Any) -> Any:
    own = batches.own_paths
    paths = tf.constant(own)
    if batches.limit is not None:
        return tf.data.TFRecordDataset(paths).take(batches.examples)
    shard_order = order.permutation(epoch, Purpose.SHARDS, len(own))
    shards = tf.data.Dataset.from_tensor_slices(tf.gather(paths, shard_order))
    return shards.interleave(tf.data.TFRecordDataset, cycle_length=_OPEN_SHARDS)


def _draws(order: Order, epoch: Any, draw: Draw) -> Any:
    """Returns a data set of what chance decides about each example of an epoch, part by part."""
    key = order.key(epoch, Purpose.AUGMENTATION)

    def part(number: Any) -> Any:
        own = tf.random.experimental.stateless_fold_in(key, number, alg="philox")
        left = order.per_epoch - number * DRAWN_EXAMPLES
        return tf.data.Dataset.from_tensor_slices(draw(own, tf.minimum(left, DRAWN_EXAMPLES)))

    return tf.data.Dataset.range(-(-order.per_epoch // DRAWN_EXAMPLES)).flat_map(part)


def _shuffled(records: Any, key: Any) -> Any:
    # `Dataset.shuffle(seed=…)` mixes in TensorFlow's global seed; the op itself takes both halves.
    variant = tf.raw_ops.ShuffleDataset(
        input_dataset=tf.data.experimental.to_variant(records),
        buffer_size=SHUFFLE_EXAMPLES,
        seed=key[0],
        seed2=key[1],
        output_types=[tf.string],
        output_shapes=[tf.TensorShape([])],
        reshuffle_each_iteration=False,
    )
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
