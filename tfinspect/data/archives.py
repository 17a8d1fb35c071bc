"""Members of tar archives, read or unpacked without leaving the target directory."""

import contextlib
import lzma
import os
import posixpath
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator

from tfinspect import files
from tfinspect.data.examples import Progress
from tfinspect.data.tar_stream import Archive, TarStream, unpacked
from tfinspect.errors import DataError

SUFFIXES = (".tar.gz", ".tgz", ".tar")
# CIFAR-100's training batch, the largest member that is read into memory, has 155 MB.
_LARGEST_READ = 512 << 20


def read_members(path: str, names: Collection[str]) -> dict[str, bytes]:
    """Reads from an archive the files whose last path component is among `names`.

    Returns their contents by that component.

    Raises:
      DataError: the archive is missing, cut off or no archive, or has a member that would leave
        the directory it is extracted to.
    """
    found: dict[str, bytes] = {}
    with _opened(path) as archive:
        for member in _safe_members(archive, path):
            name = posixpath.basename(member.name)
            if member.isfile() and name in names:
                found[name] = _content(archive, member)
    return found


def extract(
    path: str,
    directory: str,
    wanted: Callable[[str], bool],
    progress: Progress | None = None,
    *,
    limit: int | None = None,
) -> None:
    """Writes files of an archive into one directory, by the last component of their names.

    Args:
      path: of the archive.
      directory: created where it is missing.
      wanted: tells for the last component of a name whether the file is written.
      progress: called after each file with the bytes written; their sum is not known before.
      limit: bytes that all members, also those that are not wanted, may have together with their
        headers; the first one that is too much is not unpacked. None for any number.

    Raises:
      DataError: the archive is missing, cut off or no archive, has a member that would leave the
        directory, unpacks to more than the limit, or a file cannot be written.
    """
    files.make_directory(directory)
    done = 0
    with _opened(path, limit) as archive:
        for member in _safe_members(archive, path):
            name = posixpath.basename(member.name)
            if member.isfile() and wanted(name):
                _write(archive, member, os.path.join(directory, name))
                done += member.size
                if progress is not None:
                    progress(f"unpacking {os.path.basename(path)}", done, 0)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    source = archive.extractfile(member)
    with files.writing(path) as target:
        if source is not None:
            shutil.copyfileobj(source, target, 1 << 20)
        if target.tell() != member.size:
            raise tarfile.ReadError(f"{target.tell()} of {member.size} bytes of '{member.name}'")


@contextlib.contextmanager
def _opened(path: str, limit: int | None = None) -> Iterator[Archive]:
    """Yields an archive, and reads it to its end afterwards, up to a limit."""
    try:
        with files.open_file(path) as packed, unpacked(packed) as bytes_of:
            stream = TarStream(bytes_of, path, limit)
            with Archive(stream) as archive:
                yield archive
            # The checksum of a compressed archive stands behind its last byte.
            while stream.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise DataError(
            f"archive '{path}'{_size(path)} is cut off or broken ({error}); "
            "delete it and get it again from its publisher."
        ) from error


def _size(path: str) -> str:
    with contextlib.suppress(DataError, OSError):
        return f" of {files.size_bytes(path):,} bytes"
    return ""


def _safe_members(archive: Archive, path: str) -> Iterator[tarfile.TarInfo]:
    done = 0
    while (member := archive.next()) is not None:
        reason = _danger(member)
        if reason:
            raise DataError(
                f"archive '{path}' has a member '{member.name}' that {reason}; "
                "it is not opened. Get the archive from its publisher."
            )
        # A sparse member takes less of the archive than its size.
        done += member.size
        archive.stream.require_room(done)
        yield member


def _danger(member: tarfile.TarInfo) -> str | None:
    name = member.name.replace("\\", "/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leaves the target directory"
    if not (member.isfile() or member.isdir()):
        return "is a link or a device"
    if member.size < 0:
        return "has a negative size"
    return None


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _LARGEST_READ:
        raise tarfile.ReadError(f"'{member.name}' has {member.size:,} bytes, as no batch has")
    stream = archive.extractfile(member)
    data = stream.read() if stream is not None else b""
    if len(data) != member.size:
        raise tarfile.ReadError(f"{len(data)} of {member.size} bytes of '{member.name}'")
    return data
