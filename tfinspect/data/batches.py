"""Which split is read, in what form, and how many batches it has."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol

from tfinspect.data.load import Decoder
from tfinspect.data.manifest import Manifest
from tfinspect.data.share import Share, spread_files
from tfinspect.errors import ConfigError, DataError
from tfinspect.names import choices

# Decoded splits up to this size are kept in memory; while they load they take it twice.
CACHE_BYTES = 2_000_000_000


class Preprocessing(Protocol):
    """What turns pixel values 0..255 into a network's input."""

    def apply(self, images: Any) -> Any:
        """Maps float32 `[B, H, W, C]` in 0..255 to the same shape in the network's range."""


@dataclass(frozen=True)
class Batches:
    """What to read, and in what form.

    Attributes:
      directory: of the shards and `manifest.json`; may be remote.
      manifest: what the directory holds.
      split: "train", "validation" or "test".
      batch_size: examples in a batch.
      image_shape: `[H, W, C]` that the network takes; images of another size are resized.
      preprocessing: applied to float32 images last.
      limit: only the first so many stored examples; None for all.
      cache_bytes: decoded splits up to this size are kept in memory.
      keep_last: whether an epoch of training ends with a batch of what is left; otherwise those
        few examples, others in every epoch, are left out.
      share: this process's part of every batch; None where it computes all.
      service: `grpc://host:port` of the tf.data service that makes the batches of training; None
        makes them here.
    """

    directory: str
    manifest: Manifest
    split: str
    batch_size: int
    image_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    limit: int | None = None
    cache_bytes: int = CACHE_BYTES
    keep_last: bool = False
    share: Share | None = None
    service: str | None = None

    @property
    def examples(self) -> int:
        """How many examples are read.

        Raises:
          DataError: there is no such split, or it is empty.
        """
        splits = self.manifest.splits
        if self.split not in splits:
            raise DataError(
                f"'{self.directory}' has no split '{self.split}'; {choices(self.split, splits)}."
            )
        count = splits[self.split].examples
        count = count if self.limit is None else min(self.limit, count)
        if count < 1:
            raise DataError(f"the split '{self.split}' of '{self.directory}' has no examples.")
        return count

    @property
    def paths(self) -> list[str]:
        """The split's shards."""
        return list(self.manifest.paths(self.directory, self.split))

    @property
    def own_paths(self) -> list[str]:
        """The shards that this process reads."""
        if self.share is None or self.share.files is None:
            return self.paths
        return [self.paths[number] for number in self.share.own_files]

    @property
    def local_batch_size(self) -> int:
        """How many examples of a full batch this process computes."""
        return self.batch_size // (self.share.count if self.share else 1)

    @property
    def decoder(self) -> Decoder:
        """What decodes the split's records.

        Raises:
          ConfigError: the network takes another number of channels.
        """
        stored = self.manifest.image_shape
        channels = 3 if stored is None or self.manifest.schema == "encoded" else stored[2]
        if channels != self.image_shape[2]:
            raise ConfigError(
                f"the images in '{self.directory}' have {channels} channels and the network takes "
                f"{self.image_shape[2]}; convert the images, or choose another network."
            )
        names = self.manifest.label_names
        return Decoder(self.manifest.schema, stored, self.image_shape, len(names))

    @property
    def fits_in_memory(self) -> bool:
        """Whether the decoded split is cached."""
        height, width, channels = self.image_shape
        return self.examples * height * width * channels <= self.cache_bytes


def steps_per_epoch(batches: Batches) -> int:
    """Returns the number of batches in an epoch.

    Raises:
      ConfigError: a batch is larger than the split.
      DataError: there is no such split, or it is empty.
    """
    if batches.batch_size > batches.examples:
        raise ConfigError(
            f"a batch of {batches.batch_size} is larger than the {batches.examples} examples of "
            f"the split '{batches.split}'; choose a batch size of at most {batches.examples}."
        )
    return _steps(batches.examples, batches.batch_size, keep_last=batches.keep_last)


def _steps(examples: int, batch_size: int, *, keep_last: bool) -> int:
    return -(-examples // batch_size) if keep_last else examples // batch_size


def shared(batches: Batches, index: int, count: int) -> Batches:
    """Returns one process's part of the batches.

    A split that is streamed is shared by file where there are enough shards for every process to
    get as many batches as without; any other, and what a tf.data service makes, by record, batch by
    batch.

    Args:
      batches: of the whole cluster.
      index: of this process.
      count: of processes; it must divide the batch size.
    """
    by_record = dataclasses.replace(batches, share=Share(index, count))
    shards = batches.manifest.splits[batches.split].shards
    streamed = not batches.fits_in_memory and batches.limit is None and batches.service is None
    if not streamed or len(shards) < count:
        return by_record
    files = spread_files(shards, count)
    sizes = tuple(sum(shards[number].examples for number in own) for own in files)
    each = [_steps(size, by_record.local_batch_size, keep_last=batches.keep_last) for size in sizes]
    fewest = max(each) if batches.keep_last else min(each)
    if fewest != steps_per_epoch(batches):
        return by_record
    return dataclasses.replace(batches, share=Share(index, count, files, sizes))
