"""Labelled images before they are records: the two forms that a source can have."""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.data.path_table import PathTable

# progress(what is being done, how much is done, how much there is)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ImageArrays:
    """Images of one size in memory: `images` uint8 `[N, C, H, W]`, `labels` int64 `[N]`."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class ImageFiles:
    """Image files: `paths`, lengths in `sizes` (bytes, `[N]`), `labels`; both int64 `[N]`.

    `root` is the folder in which all of them are.
    """

    root: str
    paths: PathTable
    sizes: np.ndarray
    labels: np.ndarray

    def name(self, index: int) -> str:
        """Returns a path relative to the folder, with `/`."""
        return self.paths[index][len(self.root) :].strip("/")


@dataclass(frozen=True)
class Examples:
    """All splits of a data set; `label_names[label]` names a label."""

    label_names: tuple[str, ...]
    splits: Mapping[str, ImageArrays | ImageFiles]


@dataclass(frozen=True)
class Source:
    """A data set that was found and is read when its `examples` are asked for.

    `fingerprint` is equal for equal content; its `kind` says what the source is.
    """

    name: str
    fingerprint: dict[str, Any]
    load: Callable[[], Examples]

    @functools.cached_property
    def examples(self) -> Examples:
        """The images and labels, read once.

        Raises:
          DataError: the source is broken.
        """
        return self.load()

    def digest(self) -> str:
        """Returns a SHA-256 of the fingerprint."""
        return hashlib.sha256(json.dumps(self.fingerprint, sort_keys=True).encode()).hexdigest()
