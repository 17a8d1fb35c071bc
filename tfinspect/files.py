"""One way to files, local or remote.

Local paths go through Python's own functions, so that nothing here starts TensorFlow; a path
with a scheme (`gs://`, `s3://`, `hdfs://`, `ram://`) goes through TensorFlow's file system layer,
imported at that moment.
"""

import contextlib
import glob as local_glob
import os
import shutil
from collections.abc import Iterator
from typing import IO, Any

from tfinspect.errors import DataError


def is_remote(path: str) -> bool:
    """Tells whether a path names a file system of TensorFlow's (`scheme://…`)."""
    return "://" in str(path)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile


@contextlib.contextmanager
def reporting(action: str, path: str, cure: str = "") -> Iterator[None]:
    """Turns the errors of a local or remote file system into one sentence.

    Raises:
      DataError: "cannot <action> '<path>': <reason>; <cure>".
    """
    try:
        yield
    except Exception as error:
        reported = _reported(error, action, path, cure)
        if reported is None:
            raise
        raise reported from error


def _reported(error: Exception, action: str, path: str, cure: str) -> DataError | None:
    if isinstance(error, OSError):
        return DataError(_sentence(action, path, error.strerror or str(error), cure))
    # TensorFlow's own errors, without importing it for local paths.
    if not is_remote(path) or not type(error).__module__.startswith("tensorflow"):
        return None
    cure = cure or "check the address, the network and your credentials"
    if type(error).__name__ == "UnimplementedError":
        cure = "install the file system's plugin (tensorflow-io for s3://, az://)"
    # Some file systems leave the message empty.
    lines = str(getattr(error, "message", error)).splitlines() or [type(error).__name__]
    return DataError(_sentence(action, path, lines[0], cure))


def _sentence(action: str, path: str, reason: str, cure: str) -> str:
    end = f"; {cure}." if cure else ""
    return f"cannot {action} '{path}': {reason}{end}"


def join(directory: str, *parts: str) -> str:
    """Joins path components; `/` on remote file systems."""
    if is_remote(directory):
        return "/".join([directory.rstrip("/"), *parts])
    return os.path.join(directory, *parts)


def open_file(path: str, mode: str = "rb") -> IO[Any]:
    """Opens a local or remote file.

    Raises:
      DataError: the file does not exist or cannot be opened.
    """
    with reporting("open", path):
        return _opened(path, mode)


def _opened(path: str, mode: str) -> IO[Any]:
    if not is_remote(path):
        return open(path, mode, encoding=None if "b" in mode else "utf-8")
    if "r" in mode:
        # GFile opens at the first read; a missing file should be told here.
        _gfile().stat(path)
    stream: IO[Any] = _gfile().GFile(path, mode)
    return stream


def exists(path: str) -> bool:
    """Tells whether a file or directory is there."""
    with reporting("look for", path):
        return bool(_gfile().exists(path)) if is_remote(path) else os.path.exists(path)


def is_directory(path: str) -> bool:
    """Tells whether a directory is there."""
    return bool(_gfile().isdir(path)) if is_remote(path) else os.path.isdir(path)


def list_directory(path: str) -> list[str]:
    """Returns the sorted names in a directory, without trailing slashes.

    Raises:
      DataError: it cannot be listed.
    """
    with reporting("list", path):
        names = _gfile().listdir(path) if is_remote(path) else os.listdir(path)
    return sorted(str(name).rstrip("/") for name in names)


def glob(pattern: str) -> list[str]:
    """Returns the sorted paths that match a pattern (`*`, `?`, `[…]`)."""
    with reporting("match", pattern):
        found = _gfile().glob(pattern) if is_remote(pattern) else local_glob.glob(pattern)
    return sorted(str(path) for path in found)


def size_bytes(path: str) -> int:
    """Returns a file's length in bytes.

    Raises:
      DataError: it is not there.
    """
    with reporting("read", path):
        return int(_gfile().stat(path).length) if is_remote(path) else os.path.getsize(path)


def make_directory(path: str) -> None:
    """Creates a directory and its parents where they are missing.

    Raises:
      DataError: it cannot be created.
    """
    with reporting("create the directory", path):
        if is_remote(path):
            _gfile().makedirs(path)
        else:
            os.makedirs(path, exist_ok=True)


def require_writable(directory: str) -> None:
    """Refuses a directory that cannot be created or written to; creates nothing.

    Of a remote file system only writing tells.

    Raises:
      DataError: it, or what it would be created in, is a file or may not be written to.
    """
    if is_remote(directory):
        return
    place = os.path.abspath(directory)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise DataError(
            f"cannot write into '{directory}': '{place}' is no directory; give another."
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise DataError(
            f"cannot write into '{directory}': no right to write in '{place}'; give another."
        )


def rename(source: str, target: str) -> None:
    """Moves a file over another one, in one step."""
    if is_remote(target):
        _gfile().rename(source, target, overwrite=True)
    else:
        os.replace(source, target)


def remove(path: str) -> None:
    """Deletes a file or a directory with all in it; a missing one is no error."""
    if is_remote(path):
        gfile = _gfile()
        if gfile.exists(path):
            (gfile.rmtree if gfile.isdir(path) else gfile.remove)(path)
    elif os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def temporary_name(path: str) -> str:
    """Returns the name beside `path` under which it is written before it is whole."""
    directory, slash, name = str(path).rpartition("/")
    return f"{directory}{slash}.{name}.tmp-{os.getpid()}"


@contextlib.contextmanager
def writing(path: str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Yields a stream under a temporary name and renames it to `path` when all went well.

    A reader of `path` sees the old file or the new one, never a part; after an error the
    temporary file is gone and the old one stands.

    Raises:
      DataError: the disk is full, or the file cannot be written.
    """
    temporary = temporary_name(path)
    try:
        with _opened(temporary, mode) as stream:
            yield stream
            flush_to_disk(stream)
        rename(temporary, path)
    except BaseException as error:
        with contextlib.suppress(Exception):
            remove(temporary)
        reported = _failed_write(error, path, temporary)
        if reported is None:
            raise
        raise reported from error


def _failed_write(error: BaseException, path: str, temporary: str) -> DataError | None:
    # The caller may have failed to open another file meanwhile: that error names it.
    if not isinstance(error, Exception) or getattr(error, "filename", None) not in (
        None,
        temporary,
    ):
        return None
    cure = "what was there before stands; free space there, or choose another place"
    return _reported(error, "write", path, cure)


def write(stream: IO[Any], data: bytes | memoryview) -> None:
    """Writes to an opened file; TensorFlow's streams take nothing but bytes."""
    stream.write(data if hasattr(stream, "fileno") else bytes(data))


def flush_to_disk(stream: IO[Any]) -> None:
    """Makes a stream's bytes survive a power cut where it is a local file."""
    stream.flush()
    if hasattr(stream, "fileno"):
        os.fsync(stream.fileno())


def remove_empty_directory(path: str) -> None:
    """Deletes a directory that holds nothing; any other stays."""
    if is_remote(path):
        if is_directory(path) and not list_directory(path):
            remove(path)
        return
    with contextlib.suppress(OSError):
        os.rmdir(path)


def walk(directory: str) -> list[str]:
    """Returns the sorted paths of all files under a directory, not following links to directories.

    Raises:
      DataError: a directory cannot be listed.
    """
    with reporting("list", directory):
        if is_remote(directory):
            tree = _gfile().walk(directory)
        else:
            tree = os.walk(directory, onerror=_raise)
        return sorted(join(str(place), str(name)) for place, _, names in tree for name in names)


def _raise(error: OSError) -> None:
    raise error


def modified_ns(path: str) -> int:
    """Returns the time of a file's last change, in nanoseconds.

    Raises:
      DataError: it is not there.
    """
    with reporting("read", path):
        return int(_gfile().stat(path).mtime_nsec) if is_remote(path) else os.stat(path).st_mtime_ns
