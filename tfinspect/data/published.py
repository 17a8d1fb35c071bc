"""The published CIFAR archives by name: found in the cache, or downloaded to it."""

import os
from dataclasses import dataclass

from tfinspect import files
from tfinspect.cache import local_cache_directory
from tfinspect.data.cifar import load_archive
from tfinspect.data.download import download, verify_md5
from tfinspect.data.examples import Examples, Progress, Source

BASE_URL = "https://www.cs.toronto.edu/~kriz/"
# Every published archive is larger (the smallest has 168 MB).
FULL_BYTES = 100_000_000


@dataclass(frozen=True)
class Published:
    """An archive's file name and MD5, as its publisher gives them."""

    file: str
    md5: str


# The first one is downloaded; each is used where it is in the cache already.
PUBLISHED = {
    "cifar10": (
        Published("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
        Published("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    ),
    "cifar100": (
        Published("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
        Published("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
    ),
}


def published_source(
    name: str, progress: Progress | None = None, base_url: str = BASE_URL
) -> Source:
    """Returns `cifar10` or `cifar100`; it is downloaded when its examples are asked for."""
    archive = next(
        (archive for archive in PUBLISHED[name] if os.path.exists(_path(archive))),
        PUBLISHED[name][0],
    )

    def load() -> Examples:
        download(base_url + archive.file, _path(archive), archive.md5, progress)
        return load_archive(_path(archive))

    return Source(name=name, fingerprint={"kind": name, "md5": archive.md5}, load=load)


def verify_published(path: str) -> None:
    """Checks the MD5 of an archive that is named and about as large as a published one.

    A small archive of that name is another one, made for a test or an excerpt.

    Raises:
      DataError: it is not as published.
    """
    name = path.rpartition("/")[2]
    known = {archive.file: archive.md5 for pair in PUBLISHED.values() for archive in pair}
    if name in known and files.size_bytes(path) >= FULL_BYTES:
        url = BASE_URL + name
        cure = f"get '{url}' again and put it there, or give an archive of your own another name"
        verify_md5(path, known[name], cure)


def _path(archive: Published) -> str:
    return os.path.join(local_cache_directory(), "downloads", archive.file)
