"""Images to TFRecord shards with a manifest; a finished conversion is left as it is."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from tfinspect import files
from tfinspect.data.chunks import ChunkWriter
from tfinspect.data.destination import Destination
from tfinspect.data.examples import Examples, Progress, Source
from tfinspect.data.manifest import SPLITS, Manifest, SplitInfo
from tfinspect.data.schema import SCHEMAS
from tfinspect.data.shards import ShardPlan, ShardWriter, WrittenShard, default_workers, plan_shards
from tfinspect.data.sources import open_source
from tfinspect.errors import ConfigError, DataError
from tfinspect.names import choices


@dataclass(frozen=True)
class Settings:
    """The arguments of `convert` beside source and destination; checked when made.

    Raises:
      ConfigError: a setting cannot work.
    """

    schema: str = "auto"
    shards: int | None = None
    workers: int | None = None
    seed: int = 0
    skip_corrupt: bool = False

    def __post_init__(self) -> None:
        schemas = ("auto", *SCHEMAS)
        if self.schema not in schemas:
            raise ConfigError(
                f"no schema '{self.schema}'; {choices(self.schema, schemas)}. Choose one of these."
            )
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"{self.workers} workers cannot convert; choose 1 or more.")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(
                f"seed {self.seed} is out of range; choose one from 0 to {2**32 - 1}."
            )


def convert(
    source: str,
    destination: str,
    *,
    schema: str = "auto",
    shards: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    skip_corrupt: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Writes a data set as TFRecord shards.

    Args:
      source: `digits`, `cifar10`, `cifar100`, the path of a CIFAR archive or of its extracted
        directory, of an image folder, or a glob of images.
      destination: a new or empty directory, local or remote.
      schema: `raw`, `encoded`, or `auto`: raw for images of the CIFAR kind, encoded for files.
      shards: number of shards of the largest split; None means about 64 MiB a shard.
      workers: number of threads; None means one per core, at most 8.
      seed: of the split of `digits` and of image folders; CIFAR keeps the archive's order.
      skip_corrupt: leave corrupt image files out instead of stopping at the first.
      progress: called as `progress(what, done, total)`.

    Returns:
      The manifest, which is also written to the destination. If the same conversion is there
      already, it is returned and nothing is written; one that another process is making is
      waited for.

    Raises:
      DataError: the source is missing or broken, or the destination holds something else.
      ConfigError: a setting cannot work.
    """
    settings = Settings(schema, shards, workers, seed, skip_corrupt)
    opened = open_source(source, seed=seed, progress=progress)
    return convert_source(opened, destination, settings, progress=progress)


def convert_source(
    source: Source,
    destination: str,
    settings: Settings,
    *,
    disposable: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Writes an opened source, as `convert` does.

    `disposable` says that whatever else lies at the destination may be removed.

    Raises:
      DataError: the source is broken, or the destination holds something else.
      ConfigError: more shards than examples.
    """
    schema = settings.schema
    if schema == "auto":
        schema = "encoded" if source.fingerprint["kind"] == "images" else "raw"
    wanted = Manifest(
        name=source.name,
        schema=schema,
        label_names=(),
        image_shape=None,
        splits={},
        source=source.fingerprint,
        seed=settings.seed,
        settings={"shards": settings.shards, "skip_corrupt": settings.skip_corrupt},
    )
    place = Destination(destination, wanted, disposable)
    found = place.finished()
    if found is not None:
        return found
    examples = source.examples
    advance = _counter(source.name, examples, progress)

    def write(directory: str) -> Manifest:
        return _write(examples, directory, wanted, settings.workers, advance)

    with files.reporting("write to", destination, "make room there or give another directory"):
        return place.fill(write, progress)


def _write(
    examples: Examples,
    directory: str,
    wanted: Manifest,
    workers: int | None,
    advance: Callable[[int], None],
) -> Manifest:
    plans = plan_shards(examples, wanted.settings["shards"])
    chunks = ChunkWriter(wanted.schema, wanted.settings["skip_corrupt"])
    writer = ShardWriter(directory, chunks, workers or default_workers(), advance)
    written = writer.write(plans)
    shapes = {shape: name for shard in written for shape, name in shard.shapes.items()}
    chunks.check_shapes(shapes)
    splits = {
        split: _split(split, plans, written, examples.label_names)
        for split in SPLITS
        if split in examples.splits
    }
    return dataclasses.replace(
        wanted,
        label_names=examples.label_names,
        image_shape=next(iter(shapes)) if len(shapes) == 1 else None,
        splits=splits,
        skipped=tuple(name for shard in written for name in shard.skipped),
    )


def _split(
    split: str, plans: list[ShardPlan], written: list[WrittenShard], names: tuple[str, ...]
) -> SplitInfo:
    mine = [shard for plan, shard in zip(plans, written, strict=True) if plan.split == split]
    histogram = dict.fromkeys(names, 0)
    for shard in mine:
        for label, count in enumerate(shard.labels.tolist()):
            histogram[names[label]] += count
    examples = sum(histogram.values())
    if not examples:
        raise DataError(
            f"no image of the split '{split}' could be read; mend the files or add more."
        )
    return SplitInfo(examples, histogram, tuple(shard.shard for shard in mine))


def _counter(name: str, examples: Examples, progress: Progress | None) -> Callable[[int], None]:
    total = sum(len(part.labels) for part in examples.splits.values())
    done = 0

    def advance(amount: int) -> None:
        nonlocal done
        done += amount
        if progress is not None:
            progress(f"writing {name}", done, total)

    return advance
