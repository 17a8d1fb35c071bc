"""An image folder: one directory per class, images at any depth in it.

With subfolders `train`, `validation` (or `val`, `valid`) and `test` that hold the class
directories, these are the splits; a split that is missing is drawn from `train`.
"""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tfinspect import files
from tfinspect.data.examples import Examples, ImageFiles, Source
from tfinspect.data.image_bytes import SUFFIXES, is_image_name
from tfinspect.data.manifest import SPLITS
from tfinspect.data.path_table import PathTable, numbers, path_table, taken, unnamed
from tfinspect.data.stratify import stratified, tenths
from tfinspect.errors import DataError

_SPLIT_OF_FOLDER = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class _Found:
    """The images of one split: their paths class by class, and how many each class has."""

    paths: PathTable
    counts: dict[str, int]


def folder_source(directory: str, seed: int) -> Source:
    """Finds the images of a folder.

    Raises:
      DataError: no image, an image outside a class, one class only, an empty class, or a class
        that only some splits have.
    """
    root = directory.rstrip("/") or directory
    parts = {split: _found(folder) for split, folder in _split_folders(root).items()} or {
        "train": _found(root)
    }
    return _source(root, parts, seed)


def glob_source(pattern: str, paths: list[str], seed: int) -> Source:
    """Takes the images among some paths; the directory of an image is its class.

    Raises:
      DataError: no image, or one class only.
    """
    classes: dict[str, list[str]] = {}
    for path in paths:
        if is_image_name(path):
            classes.setdefault(path.rpartition("/")[0], []).append(path)
    if not classes:
        raise DataError(f"no image among the {len(paths)} files of '{pattern}'; {_EXPECTED}")
    root = _common_folder(list(classes))
    named = {folder[len(root) :].strip("/"): classes[folder] for folder in sorted(classes)}
    found = _Found(
        path_table(path for paths in named.values() for path in paths),
        {name: len(paths) for name, paths in named.items()},
    )
    return _source(root, {"train": found}, seed)


def _common_folder(folders: list[str]) -> str:
    # By components; os.path.commonpath would swallow a slash of `gs://`.
    if len(folders) == 1:
        return folders[0].rpartition("/")[0]
    parts = [folder.split("/") for folder in (min(folders), max(folders))]
    common = 0
    while common < min(map(len, parts)) and parts[0][common] == parts[1][common]:
        common += 1
    return "/".join(parts[0][:common])


_EXPECTED = f"give a folder of the form class/image with {', '.join(SUFFIXES)}."


def _split_folders(root: str) -> dict[str, str]:
    folders = _folders(root)
    names = {_SPLIT_OF_FOLDER.get(name.lower()) for name in folders}
    # Classes may be called "train" and "test": then images, not folders, lie in them.
    if None in names or "train" not in names or len(names) < len(folders):
        return {}
    found = {_SPLIT_OF_FOLDER[name.lower()]: files.join(root, name) for name in folders}
    return found if all(_folders(folder) for folder in found.values()) else {}


def _folders(directory: str) -> list[str]:
    return [
        name
        for name in files.list_directory(directory)
        if not name.startswith(".") and files.is_directory(files.join(directory, name))
    ]


def _found(directory: str) -> _Found:
    stray = [name for name in files.list_directory(directory) if is_image_name(name)]
    counts: dict[str, int] = {}

    def of_each_class() -> Iterator[str]:
        for name in _folders(directory):
            paths = [
                path for path in files.walk(files.join(directory, name)) if is_image_name(path)
            ]
            counts[name] = len(paths)
            yield from paths

    found = _Found(path_table(of_each_class()), counts)
    if stray and found.paths:
        raise DataError(
            f"image '{files.join(directory, stray[0])}' lies outside the class folders; "
            "move it into one or remove it."
        )
    if not found.paths:
        raise DataError(f"'{directory}' has no folder with images; {_EXPECTED}")
    for name, count in counts.items():
        if not count:
            raise DataError(
                f"class folder '{files.join(directory, name)}' holds no image "
                f"({', '.join(SUFFIXES)}); add some or remove it."
            )
    return found


def _source(root: str, parts: Mapping[str, _Found], seed: int) -> Source:
    names = sorted(parts["train"].counts)
    if len(names) < 2:
        raise DataError(
            f"'{root}' has one class only ('{names[0]}'); a classifier needs two or more: "
            "give the folder of all classes, or add a class."
        )
    for split, found in parts.items():
        unknown = sorted(set(found.counts) - set(names))
        if unknown:
            raise DataError(
                f"class '{unknown[0]}' of the split '{split}' in '{root}' is not among the "
                f"{len(names)} classes of 'train'; add it there or remove it."
            )
    given = {split: _image_files(root, found, names) for split, found in parts.items()}
    fingerprint = {"kind": "images", "sha256": _fingerprint(given), "seed": seed}
    return Source(
        name=posixpath.basename(root) or "images",
        fingerprint=fingerprint,
        load=lambda: Examples(tuple(names), _splits(root, given, seed)),
    )


def _image_files(root: str, found: _Found, names: list[str]) -> ImageFiles:
    sizes, labels = (unnamed(len(found.paths), np.int64) for _ in range(2))
    for index, path in enumerate(found.paths):
        sizes[index] = files.size_bytes(path)
    end = 0
    for name, count in found.counts.items():
        labels[end : end + count] = names.index(name)
        end += count
    return ImageFiles(root, found.paths, sizes, labels)


def _fingerprint(given: Mapping[str, ImageFiles]) -> str:
    # Names, lengths and times: reading every picture only to learn that nothing is to be done
    # would take as long as doing it.
    digest = hashlib.sha256()
    for split, part in given.items():
        for index, path in enumerate(part.paths):
            size, changed = part.sizes[index], files.modified_ns(path)
            line = f"{split}\0{part.name(index)}\0{size}\0{changed}\n"
            digest.update(line.encode("utf-8", errors="surrogateescape"))
    return digest.hexdigest()


def _splits(root: str, given: Mapping[str, ImageFiles], seed: int) -> dict[str, ImageFiles]:
    train = given["train"]
    quotas = {
        split: tenths(np.bincount(train.labels)) for split in SPLITS[1:] if split not in given
    }
    for split, counts in quotas.items():
        if not counts.any():
            raise DataError(
                f"'{root}' has too few images for the split '{split}': no class has 3; "
                "add images, or make the splits yourself as folders train, validation and test."
            )
    splits = dict(given)
    if quotas:
        for split, indices in stratified(train.labels, quotas, seed).items():
            splits[split] = _take(train, indices)
    order = numbers(len(splits["train"].labels))
    np.random.RandomState(seed).shuffle(order)
    # Sorted by class, a shard would hold few classes, and no shuffle buffer could mend that.
    splits["train"] = _take(splits["train"], order)
    return {split: splits[split] for split in SPLITS}


def _take(part: ImageFiles, indices: np.ndarray) -> ImageFiles:
    return ImageFiles(
        part.root,
        part.paths.take(indices),
        sizes=taken(part.sizes, indices),
        labels=taken(part.labels, indices),
    )
