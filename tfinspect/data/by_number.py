"""Training batches read wherever they are computed, by the numbers of their examples.

One process, the one that plans, draws which examples make up each step: those that it would have
without any others, whoever computes the step. What the functions of a source build is run on the
worker that got the step, so that nothing but numbers goes over the network.
"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from tfinspect import files
from tfinspect.data import augment as augmentation
from tfinspect.data import pipeline
from tfinspect.data.batches import Batches
from tfinspect.data.load import PARALLELISM, fixed_options, require_shards
from tfinspect.data.shuffled import shuffled_batches
from tfinspect.data.tfrecord import read_records

_CHUNK_EXAMPLES = 1024
# Records of one batch that are read at a time, and bytes of a first read.
_OPEN_RECORDS = 16
_READ_BYTES = 64 * 1024


class Chosen(NamedTuple):
    """The examples of one step.

    Attributes:
      numbers: of the stored examples, int32 `[B]`.
      draws: what chance decides about each.
    """

    numbers: Any
    draws: augmentation.Draws


def plan(batches: Batches, *, seed: int, epochs: int, start_step: int) -> Iterator[Chosen]:
    """Yields the examples of every step of a run, from a step on, as NumPy arrays."""
    order = pipeline.order_of(batches, seed, epochs, start_step)
    drawn = shuffled_batches(order, batches.examples, batches.batch_size, augmentation.draw)
    for numbers, draws in drawn.with_options(fixed_options()).as_numpy_iterator():
        yield Chosen(numbers, augmentation.Draws(*draws))


class Source(Protocol):
    """Where a worker reads the examples of a step."""

    # How the message about the data goes on.
    words: str

    def held(self) -> Any:
        """Returns the data set that each worker holds an iterator of; None where it holds none."""

    def named(self, chosen: Chosen) -> tuple[Any, ...]:
        """Returns what a worker must be told of a step."""

    def read(self, iterator: Any, *named: Any) -> tuple[Any, Any]:
        """Returns uint8 images `[B, H, W, C]` and int64 labels `[B]`, on the worker."""


def source_of(batches: Batches) -> Source:
    """Returns where a training split is read: memory, or its shards where it is too large.

    Raises:
      DataError: a shard is missing; of a split that is too large for memory, which is read
        through once, any broken record.
    """
    require_shards(batches.paths)
    return InMemory(batches) if batches.fits_in_memory else FromShards(batches)


def reachable_paths(batches: Batches) -> list[str]:
    """Returns the split's shards by paths that do not depend on a process's directory."""
    return [path if files.is_remote(path) else os.path.abspath(path) for path in batches.paths]


class InMemory:
    """Every worker decodes the whole split once and keeps it."""

    words = "by record: every worker keeps all of it in memory and computes the steps that it gets"

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def held(self) -> Any:
        """Returns a data set of the whole split, as one element, for ever."""
        batches = self._batches
        records = tf.data.TFRecordDataset(reachable_paths(batches), buffer_size=1 << 20)
        decoded = records.take(batches.examples).batch(_CHUNK_EXAMPLES)
        decoded = decoded.map(batches.decoder, num_parallel_calls=PARALLELISM)
        whole = decoded.unbatch().batch(batches.examples, drop_remainder=True)
        return whole.cache().repeat().with_options(fixed_options())

    def named(self, chosen: Chosen) -> tuple[Any, ...]:
        """Returns the numbers."""
        return (chosen.numbers,)

    def read(self, iterator: Any, *named: Any) -> tuple[Any, Any]:
        """Takes the examples out of the whole."""
        images, labels = iterator.get_next()
        return tf.gather(images, named[0]), tf.gather(labels, named[0])


class FromShards:
    """Every record is read from its place in its shard."""

    words = "by record: every worker reads the records of the steps that it gets from the shards"

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        found = [[r.offset for r in read_records(path)] for path in batches.paths]
        self._shards = np.repeat(np.arange(len(found), dtype=np.int32), [len(o) for o in found])
        self._offsets = np.array([offset for one in found for offset in one], np.int64)

    def held(self) -> Any:
        """Returns None."""
        return None

    def named(self, chosen: Chosen) -> tuple[Any, ...]:
        """Returns the number of each record's shard, and the byte where it begins."""
        return self._shards[chosen.numbers], self._offsets[chosen.numbers]

    def read(self, iterator: Any, *named: Any) -> tuple[Any, Any]:
        """Reads the records and decodes them."""
        del iterator
        paths = tf.gather(tf.constant(reachable_paths(self._batches)), named[0])
        return self._batches.decoder(_records(paths, named[1]))


def _records(paths: Any, offsets: Any) -> Any:
    """Reads one record at each place: string `[B]`, from string and int64 `[B]`."""

    def record(path: Any, offset: Any) -> Any:
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=path[None],
            compression_type="",
            buffer_size=_READ_BYTES,
            byte_offsets=offset[None],
        )
        one = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
        return one.take(1)

    places = tf.data.Dataset.from_tensor_slices((paths, offsets))
    records = places.interleave(
        record, cycle_length=_OPEN_RECORDS, num_parallel_calls=PARALLELISM, deterministic=True
    )
    batched = records.batch(tf.shape(paths, tf.int64)[0]).with_options(fixed_options())
    return tf.data.experimental.get_single_element(batched)
