"""The memory that this process may have: the machine's, or what its container is limited to.

Sources: the kernel's `admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`, and cgroups(7).
"""

import os
import posixpath
from collections.abc import Iterator

_MEMBERSHIPS = "/proc/self/cgroup"
_GROUPS = "/sys/fs/cgroup"


def available_memory() -> int:
    """Returns the bytes of the machine's memory, or of the control group's where it has less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *group_limits()])


def group_limits(memberships: str = _MEMBERSHIPS, groups: str = _GROUPS) -> Iterator[int]:
    """Yields the limits, in bytes, of the control groups that this process is in.

    Args:
      memberships: file of the kernel that names its groups, one a line.
      groups: where the kernel shows the groups.
    """
    for line in _text(memberships).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits_above(groups, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_above(f"{groups}/memory", path, "memory.limit_in_bytes")


def _limits_above(root: str, path: str, name: str) -> Iterator[int]:
    # A group has no more than those around it. Inside a container the root is its own group, and
    # the path may be one of the host, which is not to be seen.
    group = posixpath.normpath(f"/{path}")
    while True:
        text = _text(f"{root}{group}/{name}").strip()
        if text.isdecimal():
            yield int(text)
        if group == posixpath.dirname(group):
            return
        group = posixpath.dirname(group)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError:
        # Other systems than Linux have none of these files.
        return ""
