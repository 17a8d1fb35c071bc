"""Shards to batches: cache -> shuffle -> repeat -> augment -> batch -> prefetch.

Why in this order:

* **cache** comes first, of what never changes: decoded uint8 images. What is cached after a
  random step would repeat that step's first result for ever. Splits that are too large for
  memory are streamed from their shards instead, and shuffled in a buffer.
* **shuffle** before repeat, so that every epoch has every example once, in a fresh order.
* **repeat**: one data set serves all epochs, so nothing is torn down and filled again at their
  borders; the next epoch's order is drawn while the present one runs.
* **views** of networks that take photographs (`photographs`) are decoded from the cached files.
* **augment** after repeat, so that an example looks different in every epoch, and on uint8
  values before preprocessing, so that padding is black.
* **batch**: every epoch gives the same number of batches, full ones unless the last is kept. Crops
  and flips are done on whole batches, each example by its own numbers.
* **prefetch** last, so that the next batches are made while a step runs.

The order and the augmentation are functions of (seed, epoch, position in the epoch) alone; no
generator has a state, TensorFlow's global seed plays no part, and a run that starts at step k
sees exactly what an uninterrupted one sees from step k on.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.data import augment as augmentation
from tfinspect.data.batches import Batches, shared, steps_per_epoch
from tfinspect.data.load import PARALLELISM, fixed_options, load_split, require_shards
from tfinspect.data.order import Order, Purpose
from tfinspect.data.photographs import (
    evaluation_views,
    takes_views,
    training_views,
    view_making,
)
from tfinspect.data.served import Making, served
from tfinspect.data.shuffled import shuffled_batches
from tfinspect.data.stream import streamed
from tfinspect.errors import ConfigError

__all__ = [
    "Batches",
    "View",
    "evaluation_dataset",
    "finished",
    "order_of",
    "shared",
    "step_weights",
    "steps_per_epoch",
    "training_dataset",
]

_PREFETCHED_BATCHES = 4


@dataclass(frozen=True)
class View:
    """One random view of every image of a split: a function of seed and number alone.

    Attributes:
      seed: of the run.
      number: 0 for the first view.
      flip: as of `training_dataset`.
    """

    seed: int
    number: int
    flip: bool

    def key(self) -> Any:
        """Returns the int64 `[2]` seed of the view."""
        return Order(self.seed, 1, 1, 0).key(tf.constant(self.number), Purpose.AUGMENTATION)


def training_dataset(
    batches: Batches,
    *,
    seed: int,
    epochs: int,
    start_step: int = 0,
    augment: bool = True,
    flip: bool = True,
) -> Any:
    """Returns one `tf.data.Dataset` for all epochs of a run.

    Args:
      batches: what to read.
      seed: with the epoch and the position, all that order and augmentation depend on.
      epochs: passes over the split.
      start_step: steps that were done before; the data set is the tail from there.
      augment: random crops and flips, or none of them.
      flip: False crops only, for images that mean something else when mirrored, such as digits.

    Returns:
      float32 `[B, H, W, C]` in the network's range and int64 labels `[B]`,
      `epochs * steps_per_epoch(batches) - start_step` times; of every batch, the share of this
      process.

    Raises:
      ConfigError: a batch is larger than the split, or the start lies beyond the end.
      ClusterError: the tf.data service that makes the batches cannot be reached.
      DataError: the records are missing or broken. A split that is streamed shows broken records
        only as it is read: see `tfinspect.data.load.reading`.
    """
    steps = steps_per_epoch(batches)
    if not 0 <= start_step <= epochs * steps:
        raise ConfigError(
            f"start step {start_step} lies outside the {epochs * steps} steps of {epochs} epochs."
        )
    order = order_of(batches, seed, epochs, start_step)
    wanted = range(start_step, epochs * steps)
    if batches.service is not None:
        made = _making(batches, augment=augment, flip=flip)
        dataset = served(batches, order, wanted, made)
        dataset = dataset.map(lambda images, labels: (_preprocess(batches, images), labels))
    elif takes_views(batches):
        dataset = training_views(batches, order, augment=augment, flip=flip)
        dataset = dataset.map(lambda images, labels: (_preprocess(batches, images), labels))
    else:
        dataset = _small_images(batches, order, augment=augment, flip=flip)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(wanted)))
    return dataset.prefetch(_PREFETCHED_BATCHES).with_options(fixed_options())


def order_of(batches: Batches, seed: int, epochs: int, start_step: int) -> Order:
    """Returns the order of a run's examples, from a step on."""
    share, size = batches.share, batches.batch_size
    epoch, step = divmod(start_step, steps_per_epoch(batches))
    per_epoch = batches.examples if batches.keep_last else steps_per_epoch(batches) * size
    lane = 0
    if share is not None and share.files is not None:
        size, lane = batches.local_batch_size, share.index
        per_epoch = max(share.sizes) if batches.keep_last else per_epoch // share.count
    return Order(seed, epochs, per_epoch, epoch * per_epoch + step * size, lane)


def step_weights(batches: Batches, *, epochs: int, start_step: int = 0) -> Any:
    """Returns what this process's examples weigh, float64 `[b]`, for every step of a run.

    All weigh 1 but in a last batch that cannot be cut into equal parts: see `Share`.
    """
    steps = steps_per_epoch(batches)
    share = batches.share
    assert share is not None

    def weights(step: Any) -> Any:
        return share.weights(step % steps, batches.examples, batches.batch_size)

    return tf.data.Dataset.range(start_step, epochs * steps).map(weights)


def _small_images(batches: Batches, order: Order, *, augment: bool, flip: bool) -> Any:
    dataset = _cached(batches, order) if batches.fits_in_memory else streamed(batches, order)

    def finish(images: Any, labels: Any, draws: augmentation.Draws) -> tuple[Any, Any]:
        return finished(batches, images, draws, augment=augment, flip=flip), labels

    return dataset.map(finish, num_parallel_calls=PARALLELISM)


def finished(
    batches: Batches, images: Any, draws: augmentation.Draws, *, augment: bool, flip: bool
) -> Any:
    """Returns a batch's uint8 images `[B, H, W, C]` as the network takes them, float32.

    Args:
      batches: says how they are preprocessed.
      images: as they are stored.
      draws: what chance decided about each.
      augment: as of `training_dataset`.
      flip: as of `training_dataset`.
    """
    if augment:
        images = augmentation.pad_crop_flip(images, draws, flip=flip)
    return _preprocess(batches, images)


def _making(batches: Batches, *, augment: bool, flip: bool) -> Making:
    """Returns how a tf.data service makes a batch; it is preprocessed, and so enlarged, here."""
    if takes_views(batches):
        return view_making(batches, augment=augment, flip=flip)

    def make(serialized: Any, draws: augmentation.Draws) -> tuple[Any, Any]:
        images, labels = batches.decoder(serialized)
        return augmentation.pad_crop_flip(images, draws, flip=flip) if augment else images, labels

    return Making(augmentation.draw, make, tf.uint8)


def _cached(batches: Batches, order: Order) -> Any:
    images, labels = _load(batches)

    def pick(chosen: Any, draws: augmentation.Draws) -> tuple[Any, Any, augmentation.Draws]:
        return tf.gather(images, chosen), tf.gather(labels, chosen), draws

    dataset = shuffled_batches(
        order, batches.examples, batches.batch_size, augmentation.draw, batches.share
    )
    return dataset.map(pick, num_parallel_calls=PARALLELISM)


def _load(batches: Batches) -> tuple[Any, Any]:
    images, labels = load_split(batches.paths, batches.examples, batches.decoder, batches.directory)
    return tf.constant(images), tf.constant(labels)


def evaluation_dataset(batches: Batches, view: View | None = None) -> Any:
    """Returns a `tf.data.Dataset` over a split in stored order, once; the last batch may be short.

    Args:
      batches: what to read.
      view: one random view of each image; None gives the images as they are evaluated. A share
        of the batches goes with None alone.

    Returns:
      float32 `[B, H, W, C]` in the network's range and int64 labels `[B]`; of every batch, the
      piece of this process.

    Raises:
      ConfigError: the network takes another number of channels.
      DataError: the records are missing or broken, as of `training_dataset`.
    """
    if takes_views(batches):
        dataset = (
            evaluation_views(batches)
            if view is None
            else evaluation_views(batches, view.key(), flip=view.flip)
        )
    elif batches.fits_in_memory:
        dataset = tf.data.Dataset.from_tensor_slices(_load(batches)).batch(batches.batch_size)
    else:
        require_shards(batches.paths)
        records = tf.data.TFRecordDataset(batches.paths).take(batches.examples)
        dataset = records.batch(batches.batch_size)
        dataset = dataset.map(batches.decoder, num_parallel_calls=PARALLELISM)

    def finish(images: Any, labels: Any) -> tuple[Any, Any]:
        return _preprocess(batches, images), labels

    if view is not None and not takes_views(batches):
        dataset = _viewed(dataset, batches, view)
    if batches.share is not None:
        dataset = dataset.map(batches.share.piece)
    dataset = dataset.map(finish, num_parallel_calls=PARALLELISM)
    return dataset.prefetch(_PREFETCHED_BATCHES).with_options(fixed_options())


def _viewed(dataset: Any, batches: Batches, view: View) -> Any:
    draws = tf.data.Dataset.from_tensor_slices(augmentation.draw(view.key(), batches.examples))

    def change(pair: tuple[Any, Any], drawn: augmentation.Draws) -> tuple[Any, Any]:
        return augmentation.pad_crop_flip(pair[0], drawn, flip=view.flip), pair[1]

    return tf.data.Dataset.zip((dataset, draws.batch(batches.batch_size))).map(change)


def _preprocess(batches: Batches, images: Any) -> Any:
    return batches.preprocessing.apply(tf.cast(images, tf.float32))
