"""Paths that a user gives, files and directories, to the images that are meant."""

from collections.abc import Iterable
from dataclasses import dataclass

from tfinspect import files
from tfinspect.data.image_bytes import SUFFIXES, is_image_name
from tfinspect.errors import DataError


@dataclass(frozen=True)
class ImagePaths:
    """Images, and how many other files lie in the directories that were given."""

    paths: tuple[str, ...]
    others: int


def image_paths(given: Iterable[str]) -> ImagePaths:
    """Returns files as they are given, and of a directory all images at any depth, sorted.

    Raises:
      DataError: a path is missing, or there is no image in a directory.
    """
    found: list[str] = []
    others = 0
    for path in given:
        if not files.exists(path):
            raise DataError(
                f"no image '{path}'; give the path of a PNG or JPEG file, or of a directory."
            )
        if files.is_directory(path):
            inside = files.walk(path)
            images = [name for name in inside if is_image_name(name)]
            if not images:
                raise DataError(
                    f"no image among the {len(inside)} files in '{path}'; give a directory with "
                    f"{', '.join(SUFFIXES)}."
                )
            found += images
            others += len(inside) - len(images)
        else:
            found.append(path)
    return ImagePaths(tuple(found), others)
