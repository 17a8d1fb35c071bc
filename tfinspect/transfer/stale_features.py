"""What the cache of features forgets: what was not used for a month, or never became whole."""

import contextlib
import os
import time

from tfinspect import files

_DAY = 86_400.0
# Seconds since the last use of features, and since the last change of unfinished ones: those of a
# process that was killed. A process at work writes more often.
UNUSED, BROKEN_OFF = 30 * _DAY, _DAY


def mark_used(path: str) -> None:
    """Notes that a file of the features was used now; a read-only cache is left as it is."""
    with contextlib.suppress(OSError):
        os.utime(path)


def forget_stale(root: str, now: float | None = None) -> None:
    """Removes features, and unfinished ones (their names begin with a dot), that are stale.

    Args:
      root: holds a directory for each split's features; it need not exist.
      now: seconds since the epoch; None takes the clock's.
    """
    now = time.time() if now is None else now
    for name in os.listdir(root) if os.path.isdir(root) else []:
        path = os.path.join(root, name)
        # Another process may remove it at this moment, too.
        with contextlib.suppress(OSError):
            if now - _last_change(path) > (BROKEN_OFF if name.startswith(".") else UNUSED):
                files.remove(path)


def _last_change(path: str) -> float:
    inside = [os.path.join(path, name) for name in os.listdir(path)]
    return max(os.stat(one).st_mtime for one in (path, *inside))
