"""The names of the examples of a split: those of the files that they were made of."""

import os
import re
from collections.abc import Iterator

from tfinspect.data import schema
from tfinspect.data.manifest import Manifest

_AT_ONCE = 64


def short_name(name: str) -> str:
    """Returns what tells an example from others below a small image: shard and number, or folder.

    >>> short_name("records/train-00000-of-00001.tfrecord:93"), short_name("photos/cats/img 6.png")
    ('train-0:93', 'cats/img 6.png')
    """
    shard, found = re.subn(r"-0*(\d+)-of-\d+\.tfrecord(?=:\d+$)", r"-\1", os.path.basename(name))
    return shard if found else "/".join(name.replace(os.sep, "/").split("/")[-2:])


def example_names(directory: str, manifest: Manifest, split: str) -> Iterator[str]:
    """Yields a name per example: its file's, or its shard and number where none is stored.

    Args:
      directory: of the shards.
      manifest: of the same.
      split: its name.

    Raises:
      DataError: there is no such split.
    """
    import tensorflow as tf

    feature = {schema.FILENAME: tf.io.FixedLenFeature([], tf.string, "")}
    paths = manifest.paths(directory, split)
    for shard, path in zip(manifest.splits[split].shards, paths, strict=True):
        number = 0
        for serialized in tf.data.TFRecordDataset(path).batch(_AT_ONCE):
            for name in tf.io.parse_example(serialized, feature)[schema.FILENAME].numpy():
                yield os.fsdecode(name) or f"{shard.file}:{number}"
                number += 1
