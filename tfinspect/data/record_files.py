"""The TFRecord files under a path, with what a manifest beside them says."""

import posixpath
import re
from dataclasses import dataclass

from tfinspect import files
from tfinspect.data.manifest import MANIFEST_FILE, Manifest, Shard, has_manifest, read_manifest
from tfinspect.errors import DataError

_RECORD_NAME = re.compile(r"\.tfrecords?(-|\.|$)|-\d{5}-of-\d{5}$")


@dataclass(frozen=True)
class RecordFile:
    """A file to check: its split, and its entry in the manifest (None if it has none)."""

    path: str
    split: str
    shard: Shard | None = None


@dataclass(frozen=True)
class RecordFiles:
    """Files to check, and the manifest of their directory (None if there is none).

    `missing` are the manifest's shards that are not there.
    """

    files: tuple[RecordFile, ...]
    manifest: Manifest | None = None
    missing: tuple[str, ...] = ()


def find_record_files(path: str) -> RecordFiles:
    """Finds the TFRecord files that a file, directory or glob names.

    Raises:
      DataError: there is none.
    """
    if posixpath.basename(path) == MANIFEST_FILE:
        path = posixpath.dirname(path) or "."
    if files.exists(path):
        is_directory = files.is_directory(path)
        return _in_directory(path) if is_directory else _with_manifest([path])
    found = [name for name in files.glob(path) if not files.is_directory(name)]
    if not found:
        raise DataError(
            f"no TFRecord file '{path}'; give a file, a directory that `tfinspect convert` "
            "wrote, or a quoted glob such as 'records/train-*'."
        )
    return _with_manifest(found)


def _in_directory(directory: str) -> RecordFiles:
    present = [
        files.join(directory, name)
        for name in files.list_directory(directory)
        if _RECORD_NAME.search(name) and not name.startswith(".")
    ]
    found = _with_manifest(present, directory)
    if not found.files and not found.missing:
        raise DataError(
            f"'{directory}' holds no TFRecord file (*.tfrecord, *.tfrecords, *-of-*); "
            "give the directory that `tfinspect convert` wrote."
        )
    return found


def _with_manifest(paths: list[str], directory: str | None = None) -> RecordFiles:
    place = directory if directory is not None else _parent(paths)
    if place is None or not has_manifest(place):
        return RecordFiles(tuple(RecordFile(path, _split_of(path)) for path in paths))
    manifest = read_manifest(place)
    known = {
        files.join(place, shard.file): RecordFile(files.join(place, shard.file), split, shard)
        for split, info in manifest.splits.items()
        for shard in info.shards
    }
    if directory is None and not known.keys() & set(paths):
        return RecordFiles(tuple(RecordFile(path, _split_of(path)) for path in paths))
    listed = [path for path in known if path in paths]
    strangers = [path for path in paths if path not in known]
    missing = [] if directory is None else [path for path in known if path not in paths]
    return RecordFiles(
        (
            *(known[path] for path in listed),
            *(RecordFile(path, _split_of(path)) for path in strangers),
        ),
        manifest,
        tuple(missing),
    )


def _parent(paths: list[str]) -> str | None:
    parents = {posixpath.dirname(path) or "." for path in paths}
    return parents.pop() if len(parents) == 1 else None


def _split_of(path: str) -> str:
    """Names the split that a file's name begins with.

    >>> _split_of("records/train-00000-of-00002.tfrecord"), _split_of("eval.tfrecords")
    ('train', 'eval')
    """
    return re.split(r"[-.]", posixpath.basename(path))[0]
