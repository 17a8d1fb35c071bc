"""CIFAR-10 and CIFAR-100 as published (https://www.cs.toronto.edu/~kriz/cifar.html).

Both the Python version (pickles) and the binary version, as archive or as extracted directory.
The last tenth of the training examples, in the archive's order, is the validation split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.data.archives import read_members
from tfinspect.data.examples import Examples, ImageArrays
from tfinspect.data.safe_unpickle import load_plain
from tfinspect.errors import DataError

IMAGE_SHAPE = (3, 32, 32)  # [C, H, W]
IMAGE_BYTES = 3072
VALIDATION_PART = 10
_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))


@dataclass(frozen=True)
class Layout:
    """The files of one version: training parts in order, test part, label names.

    `labels_key` and `names_key` are keys of the pickles; `coarse_labels` the number of label
    bytes before the fine label in a binary row.
    """

    data_set: str
    version: str
    train: tuple[str, ...]
    test: str
    names: str
    labels_key: str = ""
    names_key: str = ""
    coarse_labels: int = 0

    @property
    def members(self) -> tuple[str, ...]:
        """All files that are needed."""
        return (*self.train, self.test, self.names)


LAYOUTS = (
    Layout("cifar10", "python", _BATCHES, "test_batch", "batches.meta", "labels", "label_names"),
    Layout(
        "cifar10",
        "binary",
        tuple(f"{batch}.bin" for batch in _BATCHES),
        "test_batch.bin",
        "batches.meta.txt",
    ),
    Layout("cifar100", "python", ("train",), "test", "meta", "fine_labels", "fine_label_names"),
    Layout(
        "cifar100",
        "binary",
        ("train.bin",),
        "test.bin",
        "fine_label_names.txt",
        coarse_labels=1,
    ),
)
_MEMBERS = frozenset(member for layout in LAYOUTS for member in layout.members)


def load_archive(path: str) -> Examples:
    """Reads a CIFAR archive.

    Raises:
      DataError: it is missing, broken, incomplete, or not what it should be.
    """
    return _examples(read_members(path, _MEMBERS), path)


def load_directory(path: str) -> Examples:
    """Reads the directory that a CIFAR archive was extracted to.

    Raises:
      DataError: a file is missing or not what it should be.
    """
    return _examples({name: _read(files.join(path, name)) for name in members_in(path)}, path)


def members_in(directory: str) -> list[str]:
    """Returns the CIFAR files that lie in a directory, sorted."""
    return [
        name
        for name in files.list_directory(directory)
        if name in _MEMBERS and not files.is_directory(files.join(directory, name))
    ]


def _read(path: str) -> bytes:
    with files.open_file(path) as stream:
        data: bytes = stream.read()
    return data


def _examples(contents: Mapping[str, bytes], path: str) -> Examples:
    layout = _layout(contents, path)
    reader = _PythonReader(layout, contents, path)
    if layout.version == "binary":
        reader = _BinaryReader(layout, contents, path)
    names = reader.label_names()
    parts = [reader.part(member, len(names)) for member in layout.train]
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    train = len(labels) - len(labels) // VALIDATION_PART
    return Examples(
        label_names=names,
        splits={
            "train": ImageArrays(images[:train], labels[:train]),
            "validation": ImageArrays(images[train:], labels[train:]),
            "test": reader.part(layout.test, len(names)),
        },
    )


def _layout(contents: Mapping[str, bytes], path: str) -> Layout:
    layout = max(LAYOUTS, key=lambda layout: len(contents.keys() & set(layout.members)))
    missing = [member for member in layout.members if member not in contents]
    if len(missing) == len(layout.members):
        raise DataError(
            f"'{path}' holds no file of CIFAR-10 or CIFAR-100; give one of the archives "
            "cifar-10-python.tar.gz, cifar-10-binary.tar.gz, cifar-100-python.tar.gz, "
            "cifar-100-binary.tar.gz, or what it was extracted to."
        )
    if missing:
        raise DataError(
            f"'{path}' lacks '{missing[0]}' of {layout.data_set} ({layout.version} version); "
            "get the archive again from its publisher."
        )
    return layout


@dataclass(frozen=True)
class _PythonReader:
    layout: Layout
    contents: Mapping[str, bytes]
    path: str

    def label_names(self) -> tuple[str, ...]:
        fields = self._fields(self.layout.names)
        names = self._field(self.layout.names, fields, self.layout.names_key)
        return tuple(_text(name) for name in names)

    def part(self, member: str, num_labels: int) -> ImageArrays:
        fields = self._fields(member)
        images = self._field(member, fields, "data")
        labels = np.asarray(self._field(member, fields, self.layout.labels_key))
        if (
            not isinstance(images, np.ndarray)
            or images.dtype != np.uint8
            or images.shape != (len(labels), IMAGE_BYTES)
        ):
            raise self._malformed(member, f"'data' is no uint8 array [{len(labels)}, 3072]")
        return self._checked(member, images, labels, num_labels)

    def _fields(self, member: str) -> dict[str, Any]:
        fields = load_plain(self.contents[member], f"'{member}' in '{self.path}'")
        if not isinstance(fields, dict):
            raise self._malformed(member, "it is no dictionary")
        return {_text(key): value for key, value in fields.items()}

    def _field(self, member: str, fields: dict[str, Any], key: str) -> Any:
        if not isinstance(fields.get(key), (list, np.ndarray)):
            raise self._malformed(member, f"it has no '{key}'")
        return fields[key]

    def _checked(
        self, member: str, images: np.ndarray, labels: np.ndarray, num_labels: int
    ) -> ImageArrays:
        if not len(labels):
            raise self._malformed(member, "it holds no image")
        if labels.dtype.kind not in "iu":
            raise self._malformed(member, "its labels are no integers")
        wrong = np.flatnonzero((labels < 0) | (labels >= num_labels))
        if len(wrong):
            raise self._malformed(
                member,
                f"image {wrong[0]} has label {labels[wrong[0]]}, out of the range "
                f"0 to {num_labels - 1}",
            )
        return ImageArrays(images.reshape(-1, *IMAGE_SHAPE), labels.astype(np.int64))

    def _malformed(self, member: str, reason: str) -> DataError:
        return DataError(
            f"'{member}' in '{self.path}' is not as {self.layout.data_set} has it: {reason}; "
            "get the archive again from its publisher."
        )


class _BinaryReader(_PythonReader):
    def label_names(self) -> tuple[str, ...]:
        text = self.contents[self.layout.names].decode("utf-8", errors="replace")
        return tuple(line.strip() for line in text.splitlines() if line.strip())

    def part(self, member: str, num_labels: int) -> ImageArrays:
        data = np.frombuffer(self.contents[member], np.uint8)
        label_bytes = self.layout.coarse_labels + 1
        row = label_bytes + IMAGE_BYTES
        if len(data) % row:
            raise self._malformed(member, f"{len(data)} bytes are no whole rows of {row}")
        rows = data.reshape(-1, row)
        labels = rows[:, label_bytes - 1]
        images = np.ascontiguousarray(rows[:, label_bytes:])
        return self._checked(member, images, labels, num_labels)


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else str(name)
