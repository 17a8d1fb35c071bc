"""The processor cores that this process may use."""

import os


def usable() -> int:
    """Returns how many there are: 1 or more, fewer than the machine's where some are closed to it.

    macOS and Windows do not say which are closed.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
