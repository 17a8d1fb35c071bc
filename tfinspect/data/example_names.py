"""The names of the examples of a split: those of the files that they were made of."""

import os
from collections.abc import Iterator

from tfinspect.data import schema
from tfinspect.data.manifest import Manifest

_AT_ONCE = 64


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
