"""Training batches that a tf.data service makes: TensorFlow's own, on other machines.

A job of the service is the numbers of a run's steps. Each is given to one data worker, which draws
the step's examples as every process does, from seed, epoch and position, reads them from their
shards, decodes and augments them. The batches arrive in any order and are put back into theirs, so
a run has the batches that it would have made by itself, of a split that fits into memory: see
`Places` for the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.data.batches import Batches, steps_per_epoch
from tfinspect.data.in_order import Others, in_order
from tfinspect.data.load import PARALLELISM, fixed_options, reading, reason, require_shards
from tfinspect.data.order import Order, Purpose
from tfinspect.data.record_places import Places
from tfinspect.data.service_address import require_workers
from tfinspect.data.shuffled import Draw
from tfinspect.errors import ClusterError


@dataclass(frozen=True)
class Making:
    """How a batch is made of records.

    Attributes:
      draw: what is drawn for each example of an epoch.
      make: serialized examples `[B]` and their draws -> images `[B, H, W, C]`, labels `[B]`.
      dtype: of the images.
    """

    draw: Draw
    make: Callable[[Any, Any], tuple[Any, Any]]
    dtype: Any


def served(batches: Batches, order: Order, steps: range, making: Making) -> Any:
    """Returns a data set of images and labels of all steps, in their order.

    Args:
      batches: what to read; `service` says where it is made.
      order: of the run.
      steps: of the run, those that are wanted.
      making: how a batch is made.

    Raises:
      ConfigError, ClusterError: as of `require_workers`.
      DataError: a shard is missing, or a record is broken.
    """
    service = batches.service
    assert service is not None
    require_workers(service)
    require_shards(batches.paths)
    job = _Job(batches, order, making, Places(batches))
    others = Others(
        arrivals=lambda: _arrivals(job, steps),
        compute=_Here(job),
        ask=lambda: require_workers(service),
        name=f"the tf.data service at '{service}'",
    )
    size = batches.local_batch_size if order.per_epoch % batches.batch_size == 0 else None
    specs = (
        tf.TensorSpec([size, *batches.image_shape], making.dtype),
        tf.TensorSpec([size], tf.int64),
    )
    return tf.data.Dataset.from_generator(lambda: in_order(others, steps), output_signature=specs)


def _arrivals(job: "_Job", steps: range) -> Iterator[tuple[int, Any]]:
    batches = job.batches
    try:
        # Here already the service is told of the job.
        dataset = job.dataset(steps)
    except tf.errors.OpError as error:
        raise _given_up(batches, error) from error
    with reading(batches.directory):
        try:
            for step, *batch in dataset:
                yield int(step), tuple(batch)
        except (tf.errors.InvalidArgumentError, tf.errors.DataLossError):
            # Of a record: the workers read it, and found it broken.
            raise
        except tf.errors.OpError as error:
            raise _given_up(batches, error) from error


def _given_up(batches: Batches, error: tf.errors.OpError) -> ClusterError:
    return ClusterError(
        f"the tf.data service at '{batches.service}' cannot go on: {reason(str(error.message))}. "
        "Its data workers must have this version of TensorFlow and find the data under the same "
        "path."
    )


@dataclass(frozen=True)
class _Job:
    batches: Batches
    order: Order
    making: Making
    places: Places

    def dataset(self, steps: range) -> Any:
        """Returns a data set of step, images and labels, made by the service."""
        numbers = tf.data.Dataset.range(steps.start, steps.stop)
        dataset = numbers.scan(self.undrawn(), self._plan).map(
            lambda _, *planned: self._made(*planned), num_parallel_calls=PARALLELISM
        )
        service = tf.data.experimental.service
        return dataset.with_options(fixed_options()).apply(
            # Images are not worth the time of compressing them.
            service.distribute(
                service.ShardingPolicy.DYNAMIC, self.batches.service, compression=None
            )
        )

    def here(self, step: Any, drawn: Any) -> tuple[Any, Any]:
        """Makes one step (int64) in this process.

        Args:
          step: which one.
          drawn: the epoch that was drawn last, as this returns it, or `undrawn`.

        Returns:
          The epoch that is drawn now, and step, images and labels.
        """
        planned = tf.data.Dataset.from_tensors(step).scan(drawn, self._plan)
        made = planned.map(lambda drawn, *planned: (drawn, self._made(*planned)))
        return tf.data.experimental.get_single_element(made.with_options(fixed_options()))

    def undrawn(self) -> Any:
        """Returns what stands for an epoch, its examples and their draws, when none is drawn."""
        nothing = self.making.draw(tf.zeros([2], tf.int64), 0)
        return tf.constant(-1, tf.int64), tf.zeros([0], tf.int32), nothing

    @tf.autograph.experimental.do_not_convert
    def _plan(self, drawn: Any, step: Any) -> tuple[Any, Any]:
        """Takes a step's examples out of its epoch, which is drawn once."""
        per_epoch, size = self.order.per_epoch, self.batches.batch_size
        steps = steps_per_epoch(self.batches)
        epoch = step // steps

        def draw() -> tuple[Any, Any]:
            chosen = self.order.permutation(epoch, Purpose.EXAMPLES, self.batches.examples)
            key = self.order.key(epoch, Purpose.AUGMENTATION)
            return chosen[:per_epoch], self.making.draw(key, per_epoch)

        chosen, draws = tf.cond(epoch == drawn[0], lambda: drawn[1:], draw)
        first = step % steps * size
        rows = tf.range(first, tf.minimum(first + size, per_epoch))
        taken = tf.nest.map_structure(lambda tensor: tf.gather(tensor, rows), (chosen, draws))
        now = epoch, chosen, draws
        return now, (now, step, *taken)

    @tf.autograph.experimental.do_not_convert
    def _made(self, step: Any, numbers: Any, draws: Any) -> tuple[Any, Any, Any]:
        share = self.batches.share
        if share is not None:
            numbers, draws = share.cut(numbers, draws)
        records = self.places.read(*self.places.of(numbers))
        return step, *self.making.make(records, draws)


class _Here:
    """Makes single steps in this process: traced once, and each epoch is drawn once."""

    def __init__(self, job: _Job) -> None:
        self._drawn = job.undrawn()
        self._make = tf.function(job.here, autograph=False, reduce_retracing=True)

    def __call__(self, step: int) -> Any:
        self._drawn, made = self._make(tf.constant(step, tf.int64), self._drawn)
        return made[1:]
