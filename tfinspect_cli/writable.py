"""Where a command is to write: refused at once, not after minutes of work."""

import os
from collections.abc import Iterable

from tfinspect import files
from tfinspect.errors import DataError


def check_writable(
    *, written: Iterable[str | None] = (), directories: Iterable[str | None] = ()
) -> None:
    """Refuses paths that cannot be written; creates nothing.

    Args:
      written: files; None for one that is not asked for.
      directories: directories, which need not exist yet.

    Raises:
      DataError: a file is a directory, or one may not be written to.
    """
    for directory in directories:
        if directory is not None:
            files.require_writable(directory)
    for path in written:
        if path is None:
            continue
        if os.path.isdir(path):
            raise DataError(f"cannot write '{path}': it is a directory; give a file in it.")
        files.require_writable(os.path.dirname(path) or ".")
