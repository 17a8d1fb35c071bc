"""The directory that a conversion writes: free, finished already, or somebody else's.

Shards are written in a directory inside it and moved out when all of them are whole; the manifest
comes last.
"""

import contextlib
import os
import re
from collections.abc import Iterator

from tfinspect import files
from tfinspect.data.manifest import MANIFEST_FILE, Manifest, has_manifest, read_manifest
from tfinspect.errors import DataError

_STAGING = ".partial-"
_SHARD = re.compile(r"(train|validation|test)-\d{5}-of-\d{5}\.tfrecord")


def finished(directory: str, wanted: Manifest) -> Manifest | None:
    """Returns the manifest of a finished conversion that equals the wanted one, else None.

    Source, schema and settings must be equal, and every shard must be there with its length.

    Raises:
      DataError: the directory holds another conversion, or something else.
    """
    if not files.exists(directory):
        return None
    if not files.is_directory(directory):
        raise DataError(f"'{directory}' is a file; give a directory for the shards.")
    if has_manifest(directory):
        return _same(directory, wanted)
    foreign = [name for name in files.list_directory(directory) if not _is_leftover(name)]
    if foreign:
        raise DataError(
            f"'{directory}' holds something else ('{foreign[0]}'); "
            "give a new or an empty directory for the shards."
        )
    return None


def _same(directory: str, wanted: Manifest) -> Manifest | None:
    found = read_manifest(directory)
    if _identity(found) != _identity(wanted):
        raise DataError(
            f"'{directory}' holds another conversion ('{found.name}', schema {found.schema}, "
            f"{found.source.get('kind')}) or one with other settings; "
            "remove it or give another directory."
        )
    return found if _is_whole(directory, found) else None


def _identity(manifest: Manifest) -> tuple[object, ...]:
    return (manifest.source, manifest.schema, manifest.settings)


def _is_whole(directory: str, manifest: Manifest) -> bool:
    for split in manifest.splits.values():
        for shard in split.shards:
            path = files.join(directory, shard.file)
            if not files.exists(path) or files.size_bytes(path) != shard.bytes:
                return False
    return True


def _is_leftover(name: str) -> bool:
    return (
        name.startswith((_STAGING, f".{MANIFEST_FILE}.tmp-")) or _SHARD.fullmatch(name) is not None
    )


@contextlib.contextmanager
def staging(directory: str) -> Iterator[str]:
    """Yields a directory to write shards in; when all went well, moves them into `directory`.

    Leftovers of interrupted conversions are removed first. After an error nothing of this one is
    left.
    """
    created = not files.exists(directory)
    files.make_directory(directory)
    _remove_leftovers(directory)
    partial = files.join(directory, f"{_STAGING}{os.getpid()}")
    try:
        files.make_directory(partial)
        yield partial
        for name in files.list_directory(partial):
            files.rename(files.join(partial, name), files.join(directory, name))
        files.remove(partial)
    except BaseException:
        with contextlib.suppress(Exception):
            _remove_leftovers(directory)
        with contextlib.suppress(Exception):
            if created:
                files.remove_empty_directory(directory)
        raise


def _remove_leftovers(directory: str) -> None:
    # The manifest goes first: without its shards it would still look finished.
    files.remove(files.join(directory, MANIFEST_FILE))
    for name in files.list_directory(directory):
        if _is_leftover(name):
            files.remove(files.join(directory, name))
