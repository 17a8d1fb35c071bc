"""What `train` calls: any data, converted once into the cache."""

from tfinspect import files
from tfinspect.cache import cache_directory
from tfinspect.data.convert import Settings, convert_source
from tfinspect.data.destination import sweep
from tfinspect.data.examples import Progress
from tfinspect.data.manifest import Manifest, damage, has_manifest, read_manifest
from tfinspect.data.sources import BUILT_IN, open_source
from tfinspect.errors import DataError


def prepare(
    data: str,
    *,
    seed: int = 0,
    skip_corrupt: bool = False,
    progress: Progress | None = None,
) -> tuple[str, Manifest]:
    """Returns a directory of shards for any data, and its manifest.

    `data` is a directory that `convert` wrote, which is used as it is, or whatever `convert`
    takes as its source; that is converted into the cache the first time, and again when shards
    are missing there or cut off. Two processes that want the same data convert it once.

    `seed` draws the splits of the digits and of image folders; `skip_corrupt` leaves corrupt image
    files out, and names them in the manifest, instead of stopping at the first.

    Raises:
      DataError: the data are missing or broken.
    """
    if data not in BUILT_IN and has_manifest(data):
        return data, read_shards(data)
    source = open_source(data, seed=seed, progress=progress)
    records = files.join(cache_directory(), "records")
    directory = files.join(records, f"{source.name}-{source.digest()[:12]}")
    if not has_manifest(directory):
        _sweep(records)
    settings = Settings(seed=seed, skip_corrupt=skip_corrupt)
    return directory, convert_source(
        source, directory, settings, disposable=True, progress=progress
    )


def read_shards(directory: str) -> Manifest:
    """Reads the manifest of a directory of shards and checks that they can be trained on.

    Every shard must be there with its length, and every label must have a name; the records
    themselves are not read.

    Raises:
      DataError: there is no manifest, a shard is missing or cut off, or a label has no name.
    """
    manifest = read_manifest(directory)
    manifest.check_labels()
    damaged = damage(directory, manifest)
    if damaged is not None:
        raise DataError(
            f"{damaged}; `tfinspect check-records {directory}` says what else is wrong. "
            "Convert the data again into another directory, or put the shard back."
        )
    return manifest


def _sweep(records: str) -> None:
    # A conversion of data that have changed since would never be taken up again.
    if files.is_directory(records):
        for name in files.list_directory(records):
            sweep(files.join(records, name))
