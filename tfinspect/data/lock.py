"""One process at a time: a lock file that others wait for."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from tfinspect import files
from tfinspect.data.examples import Progress

# A file system that knows no locks, such as some network ones.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}


@contextlib.contextmanager
def locked(path: str, progress: Progress | None = None, *, wait: bool = True) -> Iterator[bool]:
    """Holds a lock file, waits for it if need be, and removes it at the end.

    The lock is the operating system's, so that of a killed process is free. The file's directory
    is created where it is missing.

    Args:
      path: of the lock file.
      progress: called before and after waiting.
      wait: False goes on without the lock if another process holds it.

    Yields:
      Whether the lock is held: remote file systems, and some network ones, have none.

    Raises:
      DataError: the lock file cannot be created.
    """
    if files.is_remote(path):
        yield False
        return
    lock, held = _acquired(path, progress, wait)
    try:
        yield held
    finally:
        # Before it is let go: who waits for it sees that the file is gone, and makes a new one.
        if held or wait:
            files.remove(path)
        os.close(lock)


def _acquired(path: str, progress: Progress | None, wait: bool) -> tuple[int, bool]:
    while True:
        files.make_directory(os.path.dirname(path) or ".")
        with files.reporting("create the lock", path):
            try:
                lock = os.open(path, os.O_RDWR | os.O_CREAT)
            except FileNotFoundError:
                # Another process removed the directory just now.
                continue
        try:
            held = _lock(lock, path, progress, wait)
        except BaseException:
            os.close(lock)
            raise
        if not held or _is_at(lock, path):
            return lock, held
        os.close(lock)


def _lock(lock: int, path: str, progress: Progress | None, wait: bool) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            return False
        what = f"waiting for another process in {os.path.dirname(path)}"
        if progress is not None:
            progress(what, 0, 1)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if progress is not None:
            progress(what, 1, 1)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _is_at(lock: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), os.stat(path))
    except FileNotFoundError:
        return False
