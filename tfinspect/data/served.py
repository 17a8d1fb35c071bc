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
        compute=lambda step: next(iter(job.dataset(range(step, step + 1), here=True)))[1:],
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
        "path; go on with --resume when that is mended."
    )


@dataclass(frozen=True)
class _Job:
    batches: Batches
    order: Order
    making: Making
    places: Places

    def dataset(self, steps: range, *, here: bool = False) -> Any:
        """Returns a data set of step, images and labels; made by the service unless `here`."""
        numbers = tf.data.Dataset.range(steps.start, steps.stop)
        # Until the first step's epoch is drawn there is none, and nothing is drawn.
        nothing = self.making.draw(tf.zeros([2], tf.int64), 0)
        start = (tf.constant(-1, tf.int64), tf.zeros([0], tf.int32), nothing)
        dataset = numbers.scan(start, self._plan).map(self._made, num_parallel_calls=PARALLELISM)
        dataset = dataset.with_options(fixed_options())
        if here:
            return dataset
        service = tf.data.experimental.service
        return dataset.apply(
            # Images are not worth the time of compressing them.
            service.distribute(
                service.ShardingPolicy.DYNAMIC, self.batches.service, compression=None
            )
        )

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
        return (epoch, chosen, draws), (step, *taken)

    @tf.autograph.experimental.do_not_convert
    def _made(self, step: Any, numbers: Any, draws: Any) -> tuple[Any, Any, Any]:
        share = self.batches.share
        if share is not None:
            numbers, draws = share.cut(numbers, draws)
        records = self.places.read(*self.places.of(numbers))
        return step, *self.making.make(records, draws)
