"""What `train` calls: any data, converted once into the cache."""

import contextlib
import os

from tfinspect import files
from tfinspect.cache import cache_directory
from tfinspect.data.convert import Settings, convert_source
from tfinspect.data.examples import Progress, Source
from tfinspect.data.manifest import Manifest, has_manifest, read_manifest
from tfinspect.data.sources import BUILT_IN, open_source
from tfinspect.errors import DataError


def prepare(data: str, *, progress: Progress | None = None) -> tuple[str, Manifest]:
    """Returns a directory of shards for any data, and its manifest.

    `data` is a directory that `convert` wrote, which is used as it is, or whatever `convert`
    takes as its source; that is converted into the cache the first time.

    Raises:
      DataError: the data are missing or broken.
    """
    if data not in BUILT_IN and has_manifest(data):
        return data, read_manifest(data)
    source = open_source(data, progress=progress)
    name = f"{source.name}-{source.digest()[:12]}"
    directory = os.path.join(cache_directory(), "records", name)
    if has_manifest(directory):
        with contextlib.suppress(DataError):
            return directory, convert_source(source, directory, Settings(), progress=progress)
        files.remove(directory)
    return directory, _convert_aside(source, directory, progress)


def _convert_aside(source: Source, directory: str, progress: Progress | None) -> Manifest:
    # Two processes may prepare the same data: each converts on its own, and the first one stays.
    aside = f"{directory}.tmp-{os.getpid()}"
    try:
        manifest = convert_source(source, aside, Settings(), progress=progress)
        with contextlib.suppress(OSError):
            os.rename(aside, directory)
        return manifest
    finally:
        files.remove(aside)
