"""Which example comes when: pure functions of seed, epoch and position, without any state."""

import enum
from dataclasses import dataclass
from typing import Any

import tensorflow as tf


class Purpose(enum.IntEnum):
    """What a random number is for: keeps the generators of one epoch apart."""

    EXAMPLES = 0
    SHARDS = 1
    BUFFER = 2
    AUGMENTATION = 3


@dataclass(frozen=True)
class Order:
    """The order of a run's examples.

    Attributes:
      seed: of the run.
      epochs: passes over the split.
      per_epoch: examples that an epoch gives: those of its batches.
      start: first position over all epochs, in examples, where the run begins.
      lane: 0, or the number of the process whose own files these are the order of.
    """

    seed: int
    epochs: int
    per_epoch: int
    start: int
    lane: int = 0

    def key(self, epoch: Any, purpose: Purpose) -> Any:
        """Returns the int64 `[2]` seed of one purpose in one epoch (a scalar tensor)."""
        data = tf.constant(int(purpose) + len(Purpose) * self.lane, tf.int64)
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(epoch, tf.int64)])
        return tf.random.experimental.stateless_fold_in(seed, data, alg="philox")

    def permutation(self, epoch: Any, purpose: Purpose, count: int) -> Any:
        """Returns the numbers 0 to `count - 1` as int32 `[count]` in an epoch's random order."""
        numbers = tf.random.stateless_uniform(
            [count], self.key(epoch, purpose), None, None, tf.int64, alg="philox"
        )
        return tf.argsort(numbers, stable=True)

    def remaining_epochs(self) -> Any:
        """Returns a data set of the epochs (int64 scalars) that are not all done."""
        return tf.data.Dataset.range(self.start // self.per_epoch, self.epochs)

    def skipped(self, epoch: Any) -> Any:
        """Returns how many examples of an epoch lie before the start."""
        return tf.maximum(tf.constant(self.start, tf.int64) - epoch * self.per_epoch, 0)
