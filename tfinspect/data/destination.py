"""The directory that a conversion writes: free, finished already, or somebody else's.

Shards and manifest are written in a directory inside it, under a lock, and moved out when all of
them are whole; the manifest comes last. What an interrupted conversion has moved is known by the
manifest that it has not moved yet, so nothing that others put there is ever taken for a leftover.
"""

import contextlib
import os
import re
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from tfinspect import files
from tfinspect.data.examples import Progress
from tfinspect.data.lock import locked
from tfinspect.data.manifest import (
    MANIFEST_FILE,
    Manifest,
    Shard,
    damage,
    has_manifest,
    read_manifest,
    write_manifest,
)
from tfinspect.errors import DataError

_LOCK = ".lock"
_STAGING = ".partial-"


class OccupiedError(DataError):
    """The directory holds another conversion, or something else."""


@dataclass(frozen=True)
class Destination:
    """Where a conversion goes.

    Attributes:
      directory: local or remote; it need not exist.
      wanted: the manifest as far as it is known before the conversion.
      disposable: what else lies there may be removed, because the directory is a cache's.
    """

    directory: str
    wanted: Manifest
    disposable: bool = False

    def finished(self) -> Manifest | None:
        """Returns the manifest of a finished conversion that equals the wanted one, else None.

        Source, schema and settings must be equal, and every shard must be there with its length.

        Raises:
          OccupiedError: the directory holds another conversion, or is a file.
        """
        if not files.exists(self.directory):
            return None
        if not files.is_directory(self.directory):
            raise OccupiedError(f"'{self.directory}' is a file; give a directory for the shards.")
        if not has_manifest(self.directory):
            return None
        found = self._found()
        return None if found is None or damage(self.directory, found) else found

    def _found(self) -> Manifest | None:
        try:
            found = read_manifest(self.directory)
            if _identity(found) == _identity(self.wanted):
                return found
        except DataError as error:
            if not self.disposable:
                raise OccupiedError(str(error)) from error
            return None
        if self.disposable:
            return None
        raise OccupiedError(
            f"'{self.directory}' holds another conversion ('{found.name}', schema {found.schema}, "
            f"{found.source.get('kind')}) or one with other settings; "
            "remove it or give another directory."
        )

    def fill(self, write: Callable[[str], Manifest], progress: Progress | None = None) -> Manifest:
        """Lets `write` fill an empty directory and moves what it wrote here.

        Waits for another process that does the same, and then takes its result. Leftovers of
        interrupted conversions are removed. After an error nothing of this one is left, and what
        stood there before stands.

        Raises:
          OccupiedError: the directory holds something else.
        """
        created = not files.exists(self.directory)
        files.make_directory(self.directory)
        try:
            with locked(files.join(self.directory, _LOCK), progress) as alone:
                return self.finished() or self._filled(write, alone)
        except BaseException:
            with contextlib.suppress(Exception):
                if created:
                    files.remove_empty_directory(self.directory)
            raise

    def _filled(self, write: Callable[[str], Manifest], alone: bool) -> Manifest:
        _remove_leftovers(self.directory, alone)
        self._refuse_foreign()
        name = f"{_STAGING}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        partial = files.join(self.directory, name)
        try:
            files.make_directory(partial)
            manifest = write(partial)
            write_manifest(partial, manifest)
            return self._publish(partial, manifest)
        finally:
            with contextlib.suppress(Exception):
                files.remove(partial)

    def _refuse_foreign(self) -> None:
        if self.disposable:
            return
        own = {_LOCK}
        if has_manifest(self.directory):
            own |= {MANIFEST_FILE, *(shard.file for shard in _shards(self.directory))}
        for name in files.list_directory(self.directory):
            if name not in own and not name.startswith(_STAGING):
                raise self._foreign(name)

    def _foreign(self, name: str) -> OccupiedError:
        return OccupiedError(
            f"'{self.directory}' holds something else ('{name}'); "
            "give a new or an empty directory for the shards."
        )

    def _publish(self, partial: str, manifest: Manifest) -> Manifest:
        # Where there are no locks, another process may have finished in the meantime.
        finished = self.finished()
        if finished is not None:
            return finished
        self._remove_former()
        moved: list[str] = []
        try:
            for name in [*(shard.file for shard in _shards(partial)), MANIFEST_FILE]:
                target = files.join(self.directory, name)
                if files.exists(target):
                    raise self._foreign(name)
                moved.append(target)
                files.rename(files.join(partial, name), target)
        except BaseException:
            for target in moved:
                with contextlib.suppress(Exception):
                    files.remove(target)
            raise
        return manifest

    def _remove_former(self) -> None:
        # A damaged conversion's manifest goes last: it tells whose the shards are.
        if self.disposable:
            keep = (_LOCK, _STAGING, MANIFEST_FILE)
            names = files.list_directory(self.directory)
            former = [name for name in names if not name.startswith(keep)]
        else:
            former = [shard.file for shard in _shards(self.directory)]
        for name in [*former, MANIFEST_FILE]:
            files.remove(files.join(self.directory, name))


def _identity(manifest: Manifest) -> tuple[object, ...]:
    return (manifest.source, manifest.schema, manifest.settings)


def sweep(directory: str) -> None:
    """Removes what killed conversions left in a directory; with nothing else in it, itself too.

    A conversion that is under way there goes on, and a finished one is left as it is.
    """
    if not files.is_directory(directory) or has_manifest(directory):
        return
    if not any(name.startswith(_STAGING) for name in files.list_directory(directory)):
        return
    with locked(files.join(directory, _LOCK), wait=False) as alone:
        _remove_leftovers(directory, alone)
    files.remove_empty_directory(directory)


def _remove_leftovers(directory: str, alone: bool) -> None:
    names = files.list_directory(directory)
    for name in names:
        if not name.startswith(_STAGING) or not (alone or _is_dead(name)):
            continue
        partial = files.join(directory, name)
        for shard in _shards(partial):
            path = files.join(directory, shard.file)
            # A file that came later under this name is somebody else's.
            if shard.file in names and files.size_bytes(path) == shard.bytes:
                files.remove(path)
        files.remove(partial)


def _is_dead(name: str) -> bool:
    match = re.fullmatch(rf"{re.escape(_STAGING)}(.*)-(\d+)-[0-9a-f]+", name)
    if match is None or match[1] != socket.gethostname():
        return False
    try:
        os.kill(int(match[2]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


def _shards(directory: str) -> list[Shard]:
    if not has_manifest(directory):
        return []
    try:
        manifest = read_manifest(directory)
    except DataError:
        return []
    return [shard for split in manifest.splits.values() for shard in split.shards]
