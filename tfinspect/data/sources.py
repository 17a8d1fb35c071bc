"""Finds what a user named: a built-in data set, a CIFAR archive, an image folder or a glob."""

import hashlib
import os

from tfinspect import files
from tfinspect.data import archives, cifar
from tfinspect.data.digits import digits_source
from tfinspect.data.download import file_digest
from tfinspect.data.examples import Examples, Progress, Source
from tfinspect.data.image_folder import folder_source, glob_source
from tfinspect.data.manifest import has_manifest
from tfinspect.data.published import PUBLISHED, published_source, verify_published
from tfinspect.errors import DataError
from tfinspect.names import choices

BUILT_IN = ("digits", *PUBLISHED)


def open_source(source: str, *, seed: int = 0, progress: Progress | None = None) -> Source:
    """Finds a data set; its images are read when they are asked for.

    Args:
      source: `digits`, `cifar10`, `cifar100`, the path of a CIFAR archive or of its extracted
        directory, of an image folder, or a glob of images.
      seed: of the split of `digits` and of image folders.
      progress: called while a published archive is downloaded.

    Raises:
      DataError: there is no such data, or it is not what it should be.
    """
    if source == "digits":
        return digits_source(seed)
    if source in PUBLISHED:
        return published_source(source, progress)
    if files.exists(source):
        is_directory = files.is_directory(source)
        return _directory(source, seed) if is_directory else _archive(source)
    if any(character in source for character in "*?["):
        return _glob(source, seed)
    raise DataError(
        f"no data '{source}': no such file or directory, and no built-in data set "
        f"({choices(source, BUILT_IN)}). Give one of these or the path of an archive or folder."
    )


def _archive(path: str) -> Source:
    name = os.path.basename(path)
    suffix = next((end for end in archives.SUFFIXES if name.lower().endswith(end)), None)
    if suffix is None:
        raise DataError(
            f"'{path}' is no archive ({', '.join(archives.SUFFIXES)}); "
            "give a CIFAR archive, an image folder or a glob of images."
        )

    def load() -> Examples:
        verify_published(path)
        return cifar.load_archive(path)

    return Source(
        name=name[: -len(suffix)],
        fingerprint={"kind": "cifar archive", "sha256": file_digest(path, "sha256")},
        load=load,
    )


def _directory(path: str, seed: int) -> Source:
    if has_manifest(path):
        raise DataError(
            f"'{path}' holds TFRecord shards already; use it as it is, or give the images."
        )
    members = cifar.members_in(path)
    if not members:
        return folder_source(path, seed)
    digest = hashlib.sha256()
    for member in members:
        digest.update(f"{member}:{file_digest(files.join(path, member), 'sha256')}\n".encode())
    return Source(
        name=os.path.basename(path.rstrip("/")),
        fingerprint={"kind": "cifar directory", "sha256": digest.hexdigest()},
        load=lambda: cifar.load_directory(path),
    )


def _glob(pattern: str, seed: int) -> Source:
    paths = files.glob(pattern)
    if not paths:
        raise DataError(
            f"nothing matches '{pattern}'; quote the pattern, and check it with `ls {pattern}`."
        )
    if len(paths) == 1:
        return open_source(paths[0], seed=seed)
    return glob_source(pattern, paths, seed)
