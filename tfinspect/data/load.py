"""Whole splits decoded into memory, and the errors of what cannot be."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect import errors, files
from tfinspect.data import parse
from tfinspect.errors import DataError, TfinspectError

_CHUNK_EXAMPLES = 1024
PARALLELISM = 2
# The op that fetches from a data set; it stands in every error that comes out of one.
_FETCH = "IteratorGetNext"
# An error of ours, raised by a generator in the midst of a data set: TensorFlow passes it on as a
# text.
_OURS = re.compile(r"^tfinspect\.errors\.(?P<kind>\w+): (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Decoder:
    """Serialized examples of one schema to uint8 images of one size.

    Attributes:
      schema: "raw" or "encoded".
      stored_shape: `[H, W, C]` of raw records; None for encoded images.
      image_shape: `[H, W, C]` that comes out.
      num_labels: how many label names there are; another label is an error of the data set.
    """

    schema: str
    stored_shape: tuple[int, int, int] | None
    image_shape: tuple[int, int, int]
    num_labels: int

    def __call__(self, serialized: Any) -> tuple[Any, Any]:
        """Decodes `[B]` strings to uint8 `[B, H, W, C]` and int64 labels `[B]`."""
        height, width, _ = self.image_shape
        if self.schema == "encoded" or self.stored_shape is None:
            images, labels = parse.parse_encoded(serialized, height, width)
        else:
            images, labels = parse.parse_raw(serialized, self.stored_shape)
            images = parse.resize(images, height, width)
        return images, parse.checked_labels(labels, self.num_labels)


@contextmanager
def reading(directory: str) -> Iterator[None]:
    """Turns TensorFlow's errors about records into a `DataError` that names the directory.

    Works around reading, and around a training loop too: errors of other ops pass unchanged.

    Raises:
      DataError: a record is corrupt, of another schema, or has a label out of range.
      TfinspectError: what a generator among the data sets has raised.
    """
    try:
        yield
    except tf.errors.OpError as error:
        message = str(error.message)
        if ours := raised_inside(error):
            raise ours from error
        if _FETCH not in message:
            raise
        raise DataError(
            f"the records in '{directory}' cannot be read: {reason(message)}. "
            f"`tfinspect check-records {directory}` says which; then convert the data again."
        ) from error


def raised_inside(error: tf.errors.OpError) -> TfinspectError | None:
    """Returns the error of ours that a generator among the data sets has raised, if it is one."""
    found = _OURS.search(str(error.message))
    return getattr(errors, found["kind"])(found["text"]) if found else None


def reason(message: str) -> str:
    """Returns the part of TensorFlow's message about a data set that says what is wrong."""
    # A graph's error has a stack trace before the reason, and node names after it.
    lines = re.split(r"\n\t \[\[| \[Op:", message)[0].splitlines()
    text = re.sub(r"\{\{.*?\}\} ", "", lines[-1])
    # What a tf.data service puts before.
    text = re.sub(r"^Failed to get element from worker .*Failed to get element: ", "", text)
    text = re.sub(r"^Error in user-defined function passed to .* with iterator: \S+: ", "", text)
    return re.sub(r"^assertion failed: \[(.*)\]$", r"\1", text).rstrip(".")


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
