"""Whole splits decoded into memory, and the errors of what cannot be."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect import files
from tfinspect.data import parse
from tfinspect.errors import DataError

_CHUNK_EXAMPLES = 1024
PARALLELISM = 2


@dataclass(frozen=True)
class Decoder:
    """Serialized examples of one schema to uint8 images of one size.

    Attributes:
      schema: "raw" or "encoded".
      stored_shape: `[H, W, C]` of raw records; None for encoded images.
      image_shape: `[H, W, C]` that comes out.
    """

    schema: str
    stored_shape: tuple[int, int, int] | None
    image_shape: tuple[int, int, int]

    def __call__(self, serialized: Any) -> tuple[Any, Any]:
        """Decodes `[B]` strings to uint8 `[B, H, W, C]` and int64 labels `[B]`."""
        height, width, _ = self.image_shape
        if self.schema == "encoded" or self.stored_shape is None:
            return parse.parse_encoded(serialized, height, width)
        images, labels = parse.parse_raw(serialized, self.stored_shape)
        return parse.resize(images, height, width), labels


@contextmanager
def reading(directory: str) -> Iterator[None]:
    """Turns TensorFlow's errors about records into a `DataError` that names the directory."""
    try:
        yield
    except tf.errors.OpError as error:
        reason = str(error.message).split(" [Op:")[0].splitlines()[0]
        raise DataError(
            f"the records in '{directory}' cannot be read: {reason}. "
            f"`tfinspect check-records {directory}` says which; then convert the data again."
        ) from error


def require_shards(paths: Sequence[str]) -> None:
    """Checks that every shard is there.

    Raises:
      DataError: one is missing.
    """
    for path in paths:
        if not files.exists(path):
            raise DataError(f"the shard '{path}' is missing; convert the data again.")


def load_split(
    paths: Sequence[str], count: int, decoder: Decoder, directory: str
) -> tuple[np.ndarray, np.ndarray]:
    """Decodes the first `count` examples of some shards, in stored order.

    Returns:
      uint8 images `[count, H, W, C]` and int64 labels `[count]`.

    Raises:
      DataError: a record is broken or of another schema, or there are fewer than `count`.
    """
    require_shards(paths)
    images = np.empty((count, *decoder.image_shape), np.uint8)
    labels = np.empty((count,), np.int64)
    found = 0
    with reading(directory):
        for chunk_images, chunk_labels in _chunks(paths, count, decoder):
            end = found + len(chunk_labels)
            images[found:end], labels[found:end] = chunk_images, chunk_labels
            found = end
    if found < count:
        raise DataError(
            f"'{directory}' holds {found} examples where its manifest promises {count}; "
            "convert the data again."
        )
    return images, labels


def _chunks(paths: Sequence[str], count: int, decoder: Decoder) -> Iterator[tuple[Any, Any]]:
    dataset = tf.data.TFRecordDataset(list(paths), buffer_size=1 << 20).take(count)
    dataset = dataset.batch(_CHUNK_EXAMPLES).map(decoder, num_parallel_calls=PARALLELISM)
    return dataset.with_options(fixed_options()).as_numpy_iterator()


def fixed_options() -> Any:
    """Returns data set options: deterministic, and without autotuning.

    While tf.data tunes itself, an epoch ends only when its background thread next wakes, in
    doubling periods: up to half of the training time was lost at the ends of epochs.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    return options
