"""`manifest.json`: what a directory of TFRecord shards holds. It is written last.

So a directory with a manifest is a finished conversion, and one without is none.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tfinspect import files
from tfinspect.errors import DataError
from tfinspect.names import choices

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 1
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name in the directory, its records, its length and its SHA-256."""

    file: str
    examples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class SplitInfo:
    """One split: its examples, how many have each label (by label name), its shards in order."""

    examples: int
    label_histogram: dict[str, int]
    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class Manifest:
    """A converted data set.

    `schema` is `raw` or `encoded`; `image_shape` is `(H, W, C)` in pixels, None where images
    differ in size; `label_names[label]` names a label; `source` is the fingerprint of what was
    converted; `seed` made the split; `settings` are the other arguments of the conversion, and
    `skipped` the corrupt files that it was told to leave out.
    """

    name: str
    schema: str
    label_names: tuple[str, ...]
    image_shape: tuple[int, int, int] | None
    splits: dict[str, SplitInfo]
    source: dict[str, Any]
    seed: int
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def training_examples(self) -> int:
        """Returns how many examples the training split has.

        Raises:
          DataError: there is no such split, or it is empty.
        """
        split = self.splits.get("train")
        if split is None or split.examples < 1:
            raise DataError(
                f"'{self.name}' has no examples to train on (splits: {', '.join(self.splits)}); "
                "convert the data again, or name other data."
            )
        return split.examples

    def foreign_labels(self) -> dict[str, str]:
        """Returns, for every split that counts labels without a name, the first of them."""
        foreign = {
            split: sorted(info.label_histogram.keys() - set(self.label_names))
            for split, info in self.splits.items()
        }
        return {split: labels[0] for split, labels in foreign.items() if labels}

    def check_labels(self) -> None:
        """Checks that every label of every split has a name.

        Raises:
          DataError: one has none.
        """
        for split, label in self.foreign_labels().items():
            raise DataError(
                f"the split '{split}' of '{self.name}' has the label '{label}', which is none of "
                f"its {len(self.label_names)} label names; convert the data again."
            )

    def paths(self, directory: str, split: str) -> list[str]:
        """Returns the paths of a split's shards, in the order of the examples.

        Raises:
          DataError: there is no such split.
        """
        if split not in self.splits:
            raise DataError(
                f"no split '{split}' in '{directory}'; {choices(split, self.splits)}. "
                "Choose one of these."
            )
        return [files.join(directory, shard.file) for shard in self.splits[split].shards]

    def fingerprint(self) -> str:
        """Returns a SHA-256 over the hashes of all shards: equal for equal records."""
        digest = hashlib.sha256()
        for split in sorted(self.splits):
            digest.update(split.encode())
            for shard in self.splits[split].shards:
                digest.update(bytes.fromhex(shard.sha256))
        return digest.hexdigest()

    def rows(self) -> list[dict[str, Any]]:
        """Returns a flat record per split: its examples, shards and bytes."""
        return [
            {
                "split": split,
                "examples": info.examples,
                "shards": len(info.shards),
                "bytes": sum(shard.bytes for shard in info.shards),
            }
            for split, info in self.splits.items()
        ]

    def to_json(self) -> str:
        """Returns the manifest as the text of `manifest.json`."""
        return json.dumps({"format": FORMAT_VERSION, **dataclasses.asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Reads the text of a `manifest.json`.

        Raises:
          DataError: the text is no manifest, or one of a later format.
        """
        try:
            return _from_fields(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(
                f"not a manifest of tfinspect ({type(error).__name__}: {error}); "
                "write the records again with `tfinspect convert`."
            ) from error


def _from_fields(fields: dict[str, Any]) -> Manifest:
    if fields["format"] != FORMAT_VERSION:
        raise ValueError(f"format {fields['format']}, this version reads {FORMAT_VERSION}")
    shape = fields["image_shape"]
    return Manifest(
        name=str(fields["name"]),
        schema=str(fields["schema"]),
        label_names=tuple(fields["label_names"]),
        image_shape=None if shape is None else (int(shape[0]), int(shape[1]), int(shape[2])),
        splits={name: _split(split) for name, split in fields["splits"].items()},
        source=dict(fields["source"]),
        seed=int(fields["seed"]),
        settings=dict(fields.get("settings", {})),
        skipped=tuple(fields.get("skipped", ())),
    )


def _split(fields: dict[str, Any]) -> SplitInfo:
    return SplitInfo(
        examples=int(fields["examples"]),
        label_histogram={
            str(name): int(count) for name, count in fields["label_histogram"].items()
        },
        shards=tuple(_shard(**shard) for shard in fields["shards"]),
    )


def _shard(file: str, examples: int, bytes: int, sha256: str) -> Shard:
    if "/" in file or "\\" in file:
        raise ValueError(f"shard '{file}' lies outside the directory")
    if len(sha256) != 64:
        raise ValueError(f"shard '{file}' has no SHA-256")
    return Shard(file, int(examples), int(bytes), sha256)


def has_manifest(directory: str) -> bool:
    """Tells whether a directory holds a finished conversion."""
    return files.exists(files.join(directory, MANIFEST_FILE))


def read_manifest(directory: str) -> Manifest:
    """Reads a directory's manifest.

    Raises:
      DataError: there is none, or it cannot be read.
    """
    path = files.join(directory, MANIFEST_FILE)
    if not files.exists(path):
        raise DataError(
            f"'{directory}' has no {MANIFEST_FILE}, so it holds no finished conversion; "
            f"write it with `tfinspect convert SOURCE {directory}`."
        )
    with files.open_file(path) as stream:
        text = stream.read().decode("utf-8", errors="replace")
    try:
        return Manifest.from_json(text)
    except DataError as error:
        raise DataError(f"'{path}': {error}") from error


def damage(directory: str, manifest: Manifest) -> str | None:
    """Says which shard is missing or cut off; None when all are there with their lengths."""
    for split in manifest.splits.values():
        for shard in split.shards:
            path = files.join(directory, shard.file)
            if not files.exists(path):
                return f"the shard '{path}' is missing"
            size = files.size_bytes(path)
            if size != shard.bytes:
                return f"the shard '{path}' has {size:,} bytes instead of {shard.bytes:,}"
    return None


def write_manifest(directory: str, manifest: Manifest) -> None:
    """Writes a directory's manifest, in one step."""
    with files.writing(files.join(directory, MANIFEST_FILE)) as stream:
        stream.write(manifest.to_json().encode())
