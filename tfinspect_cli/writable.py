"""Where a command is to write: refused at once, not after minutes of work."""

import os
from collections.abc import Iterable

from tfinspect import files
from tfinspect.errors import DataError


def check_writable(
    *,
    written: Iterable[str | None] = (),
    pictures: Iterable[str | None] = (),
    directories: Iterable[str | None] = (),
) -> None:
    """Refuses paths that cannot be written; creates nothing.

    Args:
      written: files, in directories that exist; None for one that is not asked for.
      pictures: such files that are written as PNG.
      directories: directories, which need not exist yet.

    Raises:
      DataError: a file is a directory, or its directory is missing; one may not be written to; or a
        picture's name does not end in `.png`.
    """
    for directory in directories:
        if directory is not None:
            files.require_writable(directory)
    drawn = [path for path in pictures if path is not None]
    for path in (*written, *drawn):
        if path is not None:
            _require_file(path)
    for path in drawn:
        if not path.lower().endswith(".png"):
            raise DataError(f"'{path}' would hold a PNG picture; end its name with .png.")


def _require_file(path: str) -> None:
    if os.path.isdir(path):
        raise DataError(f"cannot write '{path}': it is a directory; give a file in it.")
    directory = os.path.dirname(path) or "."
    files.require_writable(directory)
    if not files.is_remote(directory) and not os.path.isdir(directory):
        raise DataError(
            f"cannot write '{path}': there is no directory '{directory}'; make it, or give another."
        )
