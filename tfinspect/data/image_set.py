"""Images given by their paths: found, sampled to a limit, read; with what was done, in words."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tfinspect.data.image_file import ReadImage, read_with_changes
from tfinspect.data.image_paths import image_paths
from tfinspect.spread import spread

Progress = Callable[[str, int, int], None]
# Files that one note names; of more only the first is named.
_MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in memory.

    Attributes:
      images: with their paths.
      notes: what was left out and what was converted, in sentences.
    """

    images: tuple[ReadImage, ...]
    notes: tuple[str, ...]

    @property
    def pixels(self) -> list[np.ndarray]:
        """The images' pixels, uint8 `[H, W, 3]` each."""
        return [image.pixels for image in self.images]


def read_image_set(
    given: Iterable[str], limit: int | None = None, progress: Progress | None = None
) -> ImageSet:
    """Reads images.

    Args:
      given: paths of files, and of directories for all images in them.
      limit: of more images so many are read, evenly spread over the sorted paths; None reads all.
      progress: is told what is done, how far, and how far it goes.

    Raises:
      DataError: a path is missing, an image is none or broken, or a directory holds none.
    """
    found = image_paths(given)
    count = len(found.paths)
    places = spread(count, count if limit is None else limit)
    images = []
    for place in places:
        images.append(read_with_changes(found.paths[place]))
        if progress is not None:
            progress("reading images", len(images), len(places))
    notes = []
    if found.others:
        notes.append(f"left out, as no image by name: {_named(found.others)}.")
    if len(images) < count:
        notes.append(f"{len(images):,} of {count:,} images are looked at, evenly spread.")
    return ImageSet(tuple(images), (*notes, *change_notes(images)))


def change_notes(images: Sequence[ReadImage]) -> list[str]:
    """Words what was converted, a sentence for each kind of conversion."""
    paths: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for image in images:
        if image.changes:
            paths[image.changes].append(image.path)
    return [f"{_named(same)}: {', '.join(changes)}." for changes, same in paths.items()]


def size_note(images: Sequence[ReadImage], height: int | None, width: int | None) -> str | None:
    """Words how many images have to be resized for a model; None if none has."""
    other = [
        image.path
        for image in images
        if (height or image.pixels.shape[0], width or image.pixels.shape[1])
        != image.pixels.shape[:2]
    ]
    if not other:
        return None
    target = f"{height or 'any'} x {width or 'any'}"
    return f"{_named(other)}: resized to {target} (height x width), as the model takes images."


def _named(paths: Sequence[str]) -> str:
    if len(paths) <= _MOST_NAMED:
        return ", ".join(paths)
    return f"{paths[0]} and {len(paths) - 1:,} more"
