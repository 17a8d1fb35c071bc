"""Which examples of every batch one process of several computes, and how much they weigh.

The batches are those of one machine. A batch that cannot be cut into equal parts is filled up, so
that all parts have one size, with examples that weigh nothing; the others weigh the more. So the
mean over the replicas of each one's weighted mean is the mean over the batch's own examples.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.data.manifest import Shard


@dataclass(frozen=True)
class Share:
    """One process's part of every batch.

    Attributes:
      index: of this process, 0 for the first.
      count: processes that share each batch.
      files: the numbers of the shards that each process reads for itself; None where every batch
        is cut up, record by record.
      sizes: examples in the files of each process; empty where batches are cut up.
    """

    index: int
    count: int
    files: tuple[tuple[int, ...], ...] | None = None
    sizes: tuple[int, ...] = ()

    @property
    def own_files(self) -> tuple[int, ...]:
        """The numbers of the shards that this process reads."""
        assert self.files is not None
        return self.files[self.index]

    def real(self, step: Any, examples: int, batch_size: int) -> Any:
        """Returns how many examples each process has of its own, int64 `[count]`.

        Args:
          step: int64 scalar, within the epoch.
          examples: of the epoch.
          batch_size: over all processes.
        """
        if self.files is not None:
            local = batch_size // self.count
            left = tf.constant(self.sizes, tf.int64) - step * local
            return tf.clip_by_value(left, 0, local)
        batch = tf.minimum(tf.constant(batch_size, tf.int64), examples - step * batch_size)
        size = self.part_size(batch)
        return tf.clip_by_value(batch - tf.range(self.count, dtype=tf.int64) * size, 0, size)

    def part_size(self, batch: Any) -> Any:
        """Returns the size of every part of a batch of so many examples (int64 scalar)."""
        return (batch + self.count - 1) // self.count

    def cut(self, *batch: Any) -> Any:
        """Returns this process's part of a batch, any structure of tensors `[B, …]`."""
        first = tf.nest.flatten(batch)[0]
        examples = tf.shape(first, tf.int64)[0]
        size = self.part_size(examples)
        chosen = tf.minimum(self.index * size + tf.range(size), examples - 1)
        static = None if first.shape[0] is None else -(-first.shape[0] // self.count)

        def part(tensor: Any) -> Any:
            return tf.ensure_shape(tf.gather(tensor, chosen), [static, *tensor.shape[1:]])

        return tf.nest.map_structure(part, batch)

    def piece(self, *batch: Any) -> Any:
        """Returns this process's piece of a batch, of nearly equal pieces; it may be empty."""
        examples = tf.shape(tf.nest.flatten(batch)[0])[0]
        start, stop = (n * examples // self.count for n in (self.index, self.index + 1))
        return tf.nest.map_structure(lambda tensor: tensor[start:stop], batch)

    def weights(self, step: Any, examples: int, batch_size: int) -> Any:
        """Returns the weights of this process's examples in one step, float64 `[b]`."""
        real = self.real(step, examples, batch_size)
        size = tf.reduce_max(real)
        each = tf.cast(self.count * size, tf.float64) / tf.cast(tf.reduce_sum(real), tf.float64)
        return tf.where(tf.range(size) < real[self.index], each, tf.zeros_like(each))


def spread_files(shards: tuple[Shard, ...], count: int) -> tuple[tuple[int, ...], ...]:
    """Deals shards out so that the processes have about equally many examples.

    Returns:
      The numbers of each process's shards, ascending.
    """
    dealt: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for number in sorted(range(len(shards)), key=lambda n: -shards[n].examples):
        process = sizes.index(min(sizes))
        dealt[process].append(number)
        sizes[process] += shards[number].examples
    return tuple(tuple(sorted(numbers)) for numbers in dealt)
