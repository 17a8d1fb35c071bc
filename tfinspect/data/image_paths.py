"""Paths that a user gives, files and directories, to the images that are meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tfinspect import files
from tfinspect.data.image_bytes import SUFFIXES, is_image_name
from tfinspect.errors import DataError

_EXPECTED = f"give images, or a directory with {', '.join(SUFFIXES)}."


@dataclass(frozen=True)
class ImagePaths:
    """Images, and the other files in the directories that were given."""

    paths: tuple[str, ...]
    others: tuple[str, ...]


def image_paths(given: Iterable[str]) -> ImagePaths:
    """Returns files as they are given, and of a directory all images at any depth, sorted.

    Raises:
      DataError: a path is missing, or there is no image in a directory.
    """
    found: list[str] = []
    others: list[str] = []
    for path in given:
        if not files.exists(path):
            raise DataError(
                f"no image '{path}'; give the path of a PNG or JPEG file, or of a directory."
            )
        if files.is_directory(path):
            inside = files.walk(path)
            images = [name for name in inside if is_image_name(name)]
            if not images:
                raise DataError(f"{_without_images(path, inside)}; {_EXPECTED}")
            found += images
            others += [name for name in inside if not is_image_name(name)]
        else:
            found.append(path)
    return ImagePaths(tuple(found), tuple(others))


def _without_images(path: str, inside: Sequence[str]) -> str:
    if not inside:
        return f"the directory '{path}' is empty"
    return f"no file in '{path}' is an image by its name; the first is '{inside[0]}'"
