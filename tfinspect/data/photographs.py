"""Batches for networks that take large images: decoded anew each time, each image its own view.

Decoded photographs would fill the memory, and a random box must be cut from the whole image. So
the encoded bytes are cached (or streamed, when even they are too large), and images are decoded,
cropped and resized one by one on the way to a batch.
"""

import functools
from typing import Any

import tensorflow as tf

from tfinspect.data import parse
from tfinspect.data.batches import Batches
from tfinspect.data.distort import DISTORTIONS, Distortion
from tfinspect.data.load import PARALLELISM, require_shards
from tfinspect.data.order import Order
from tfinspect.data.served import Making
from tfinspect.data.shuffled import shuffled_batches
from tfinspect.data.stream import streamed_records
from tfinspect.data.views import fitted, is_plain


def takes_views(batches: Batches) -> bool:
    """Tells whether the network's preprocessing is more than a resize of whole images."""
    return not is_plain(batches.preprocessing) or _name(batches) in DISTORTIONS


def _name(batches: Batches) -> str:
    return getattr(batches.preprocessing, "name", "")


def _distortion(batches: Batches, flip: bool) -> Distortion | None:
    found = DISTORTIONS.get(_name(batches))
    return found and functools.partial(found, flip=flip)


def training_views(batches: Batches, order: Order, *, augment: bool, flip: bool = True) -> Any:
    """Returns a data set of random views, or of evaluation's where nothing is augmented.

    Args:
      batches: what to read.
      order: of the run; with it each view depends on seed, epoch and position alone.
      augment: the network's own distortion, or none.
      flip: False mirrors no image.

    Returns:
      float32 `[B, H, W, C]`, 0..255, and int64 labels `[B]`.

    Raises:
      DataError: a shard is missing.
    """
    made = view_making(batches, augment=augment, flip=flip)
    return _records(batches, order).map(made.make, num_parallel_calls=PARALLELISM)


def view_making(batches: Batches, *, augment: bool, flip: bool = True) -> Making:
    """Returns how a batch of random views is made of records, as of `training_views`."""
    distort = _distortion(batches, flip) if augment else None

    def make(serialized: Any, seeds: Any) -> tuple[Any, Any]:
        return _decoded(batches, serialized, seeds, distort)

    return Making(_seeds, make, tf.float32)


def evaluation_views(batches: Batches, key: Any = None, *, flip: bool = True) -> Any:
    """Returns a data set over a split in stored order, as `training_views`.

    Args:
      batches: what to read.
      key: int64 `[2]`, of one random view of each image; None gives evaluation's view.
      flip: False mirrors no random view.
    """
    require_shards(batches.paths)
    distort = None if key is None else _distortion(batches, flip)
    if key is None:
        # Nobody looks at them.
        seeds = tf.data.Dataset.from_tensors(tf.zeros([2], tf.int64)).repeat()
    else:
        seeds = tf.data.Dataset.from_tensor_slices(_seeds(key, batches.examples))
    records = tf.data.TFRecordDataset(batches.paths).take(batches.examples)
    records = tf.data.Dataset.zip((records, seeds))

    def decode(serialized: Any, seeds: Any) -> tuple[Any, Any]:
        return _decoded(batches, serialized, seeds, distort)

    return records.batch(batches.batch_size).map(decode, num_parallel_calls=PARALLELISM)


def _records(batches: Batches, order: Order) -> Any:
    shards = batches.manifest.splits[batches.split].shards
    if sum(shard.bytes for shard in shards) > batches.cache_bytes or _by_file(batches):
        return streamed_records(batches, order, _seeds)
    require_shards(batches.paths)
    stored = tf.data.TFRecordDataset(batches.paths).take(batches.examples)
    serialized = tf.constant(list(stored.as_numpy_iterator()))

    def pick(chosen: Any, seeds: Any) -> tuple[Any, Any]:
        return tf.gather(serialized, chosen), seeds

    chosen = shuffled_batches(order, batches.examples, batches.batch_size, _seeds, batches.share)
    return chosen.map(pick)


def _by_file(batches: Batches) -> bool:
    return batches.share is not None and batches.share.files is not None


def _seeds(key: Any, count: int) -> Any:
    return tf.random.stateless_uniform([count, 2], key, None, None, tf.int64, alg="philox")


def _decoded(batches: Batches, serialized: Any, seeds: Any, distort: Any) -> tuple[Any, Any]:
    """Decodes `[B]` examples to float32 `[B, H, W, C]` in 0..255 and labels `[B]`."""
    decoder = batches.decoder
    geometry: Any = batches.preprocessing
    height, width, channels = batches.image_shape
    stored = None if decoder.schema == "encoded" else decoder.stored_shape
    if stored is None:
        whole, labels = parse.encoded_images(serialized)
    else:
        whole, labels = parse.parse_raw(serialized, stored)

    def view(pair: Any) -> Any:
        image = parse.decode_image(pair[0]) if stored is None else pair[0]
        if distort is not None:
            return distort(image, pair[1], (height, width), geometry)
        return fitted(image, height, width, geometry)

    shape = tf.TensorSpec([height, width, channels], tf.float32)
    images = tf.map_fn(view, (whole, seeds), fn_output_signature=shape)
    return images, parse.checked_labels(labels, decoder.num_labels)
