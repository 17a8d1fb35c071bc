"""Writes the shards of a data set, several at a time, and hashes them on the way.

Pixels in memory become records faster than a thread can be handed them, so each shard makes its
own; image files are decoded, which takes long enough to share one shard's among all threads.
"""

import collections
import hashlib
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from tfinspect import files
from tfinspect.data.chunks import Chunk, ChunkWriter, ImageShape
from tfinspect.data.examples import Examples, ImageArrays, ImageFiles
from tfinspect.data.manifest import Shard
from tfinspect.data.raw_records import raw_record_bytes
from tfinspect.errors import ConfigError

# Large enough for sequential reads, small enough that a few shards share the work.
SHARD_BYTES = 64 << 20


@dataclass(frozen=True)
class ShardPlan:
    """One shard to write: the examples `start` to `stop` of a split."""

    split: str
    name: str
    examples: ImageArrays | ImageFiles
    start: int
    stop: int


@dataclass
class WrittenShard:
    """A shard that was written, and what was seen on the way.

    `labels` counts examples by label, int64 `[labels]`; `shapes` maps image shapes to the first
    image of each; `skipped` names corrupt files.
    """

    shard: Shard
    labels: np.ndarray
    shapes: dict[ImageShape, str]
    skipped: list[str]


def shard_name(split: str, index: int, count: int) -> str:
    """Names a shard.

    >>> shard_name("train", 0, 3)
    'train-00000-of-00003.tfrecord'
    """
    return f"{split}-{index:05d}-of-{count:05d}.tfrecord"


def plan_shards(examples: Examples, asked: int | None) -> list[ShardPlan]:
    """Cuts every split into shards of equally many examples, give or take one.

    `asked` is the number of shards of the largest split, the others get theirs in proportion;
    None means about 64 MiB a shard.

    Raises:
      ConfigError: `asked` is below 1 or above the number of examples.
    """
    largest = max(len(part.labels) for part in examples.splits.values())
    if asked is not None and not 1 <= asked <= largest:
        raise ConfigError(
            f"{asked} shards for {largest} examples; choose a number from 1 to {largest}."
        )
    plans = []
    for split, part in examples.splits.items():
        shards = _bytes(part) / SHARD_BYTES if asked is None else asked * len(part.labels) / largest
        count = max(1, math.ceil(shards))
        bounds = np.linspace(0, len(part.labels), count + 1).astype(int).tolist()
        plans += [
            ShardPlan(
                split, shard_name(split, index, count), part, bounds[index], bounds[index + 1]
            )
            for index in range(count)
        ]
    return plans


def _bytes(part: ImageArrays | ImageFiles) -> int:
    if isinstance(part, ImageFiles):
        return int(part.sizes.sum())
    return len(part.labels) * raw_record_bytes(math.prod(part.images.shape[1:]))


def default_workers() -> int:
    """Returns the number of threads unless another is asked for: one per core, at most 8."""
    return min(8, os.cpu_count() or 1)


@dataclass
class ShardWriter:
    """Writes shards into a directory with `workers` threads.

    `advance(number of examples)` is called as they are written, by one thread at a time.
    """

    directory: str
    chunks: ChunkWriter
    workers: int
    advance: Callable[[int], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def write(self, plans: list[ShardPlan]) -> list[WrittenShard]:
        """Writes the shards, in no certain order, and returns them in that of the plans.

        Raises:
          DataError: an image is corrupt, or raw images differ in size.
        """
        writers = ThreadPoolExecutor(self.workers)
        makers = ThreadPoolExecutor(self.workers)
        try:
            futures = [writers.submit(self._write_shard, plan, makers) for plan in plans]
            return [future.result() for future in futures]
        finally:
            self._stopping.set()
            writers.shutdown(cancel_futures=True)
            makers.shutdown(cancel_futures=True)

    def _write_shard(self, plan: ShardPlan, makers: ThreadPoolExecutor) -> WrittenShard:
        digest = hashlib.sha256()
        written = WrittenShard(Shard(plan.name, 0, 0, ""), np.zeros(0, np.int64), {}, [])
        size = 0
        with files.open_file(files.join(self.directory, plan.name), "wb") as stream:
            for chunk in self._chunks(plan, makers):
                if self._stopping.is_set():
                    break
                _note(written, chunk)
                self.chunks.check_shapes(written.shapes)
                files.write(stream, chunk.data)
                digest.update(chunk.data)
                size += len(chunk.data)
                with self._lock:
                    self.advance(chunk.examples)
        # Not synced to disk: what a power cut cuts off is shorter than the manifest says, and the
        # next conversion writes it again.
        written.shard = Shard(plan.name, int(written.labels.sum()), size, digest.hexdigest())
        return written

    def _chunks(self, plan: ShardPlan, makers: ThreadPoolExecutor) -> Iterator[Chunk]:
        pieces = self.chunks.pieces(plan.examples, plan.start, plan.stop)
        if isinstance(plan.examples, ImageArrays):
            return (piece() for piece in pieces)
        return _in_order(makers, pieces, 2 * self.workers)


def _note(written: WrittenShard, chunk: Chunk) -> None:
    counts = np.bincount(chunk.labels, minlength=len(written.labels))
    counts[: len(written.labels)] += written.labels
    written.labels = counts
    written.skipped += chunk.skipped
    for shape, name in chunk.shapes.items():
        written.shapes.setdefault(shape, name)


def _in_order(
    pool: ThreadPoolExecutor, pieces: Iterator[Callable[[], Chunk]], window: int
) -> Iterator[Chunk]:
    # A bounded window: what is made but not yet written stays small.
    pending: collections.deque[Future[Chunk]] = collections.deque()
    for piece in pieces:
        pending.append(pool.submit(piece))
        if len(pending) >= window:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
