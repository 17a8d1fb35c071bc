"""Records read by their number, each from its place in its shard, wherever that is computed."""

import functools
import os
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect import files
from tfinspect.data.batches import Batches
from tfinspect.data.load import PARALLELISM, fixed_options
from tfinspect.data.manifest import Shard
from tfinspect.data.tfrecord import read_records

# Records of one batch that are read at a time, and bytes of a first read.
_OPEN_RECORDS = 16
_READ_BYTES = 64 * 1024


def reachable_paths(batches: Batches) -> list[str]:
    """Returns the split's shards by paths that do not depend on a process's directory."""
    return [path if files.is_remote(path) else os.path.abspath(path) for path in batches.paths]


class Places:
    """Where each record of a split begins."""

    def __init__(self, batches: Batches) -> None:
        """Reads the split through, the first time that it is asked for.

        Raises:
          DataError: a shard is missing, or a record is broken.
        """
        self._paths = reachable_paths(batches)
        shards = tuple(batches.manifest.splits[batches.split].shards)
        self._shards, self._offsets = _found(tuple(batches.paths), tuple(self._paths), shards)

    def of(self, numbers: Any) -> tuple[Any, Any]:
        """Returns the shards (int32) and first bytes (int64) of records, all `[B]`.

        Args:
          numbers: of the records, an array or a tensor; what is returned is of the same kind.
        """
        if tf.is_tensor(numbers):
            return tf.gather(self._shards, numbers), tf.gather(self._offsets, numbers)
        return self._shards[numbers], self._offsets[numbers]

    def read(self, shards: Any, offsets: Any) -> Any:
        """Returns the records at some places, string `[B]`."""
        return _records(tf.gather(tf.constant(self._paths), shards), offsets)


# It is asked anew for every stage and segment of a run, and large splits take minutes to read.
@functools.lru_cache(maxsize=2)
def _found(
    paths: tuple[str, ...], reachable: tuple[str, ...], shards: tuple[Shard, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of each record's shard, and its first byte.

    Args:
      paths: what is read.
      reachable: the same from any directory; keeps equal relative paths apart.
      shards: what the manifest says of them; keeps old and new contents apart.
    """
    del reachable, shards
    found = [[record.offset for record in read_records(path)] for path in paths]
    numbers = np.repeat(np.arange(len(found), dtype=np.int32), [len(one) for one in found])
    return numbers, np.array([offset for one in found for offset in one], np.int64)


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
