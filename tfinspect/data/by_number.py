"""Training batches read wherever they are computed, by the numbers of their examples.

One process, the one that plans, draws which examples make up each step: those that it would have
without any others, whoever computes the step. What the functions of a source build is run on the
worker that got the step, so that nothing but numbers goes over the network.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from tfinspect.data import augment as augmentation
from tfinspect.data import pipeline
from tfinspect.data.batches import Batches
from tfinspect.data.load import PARALLELISM, fixed_options, require_shards
from tfinspect.data.record_places import Places, reachable_paths
from tfinspect.data.shuffled import shuffled_batches

_CHUNK_EXAMPLES = 1024


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
        self._decoder, self._places = batches.decoder, Places(batches)

    def held(self) -> Any:
        """Returns None."""
        return None

    def named(self, chosen: Chosen) -> tuple[Any, ...]:
        """Returns the number of each record's shard, and the byte where it begins."""
        return self._places.of(chosen.numbers)

    def read(self, iterator: Any, *named: Any) -> tuple[Any, Any]:
        """Reads the records and decodes them."""
        del iterator
        return self._decoder(self._places.read(*named))
