"""The published CIFAR archives by name: found in the cache, or downloaded to it."""

import os
from dataclasses import dataclass

from tfinspect.cache import cache_directory
from tfinspect.data.cifar import load_archive
from tfinspect.data.download import download
from tfinspect.data.examples import Examples, Progress, Source

BASE_URL = "https://www.cs.toronto.edu/~kriz/"


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


def _path(archive: Published) -> str:
    return os.path.join(cache_directory(), "downloads", archive.file)
