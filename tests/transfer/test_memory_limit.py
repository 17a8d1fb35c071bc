"""Limits of control groups, from files written as the kernel shows them."""

import pytest

from tfinspect.transfer import memory_limit
from tfinspect.transfer.memory_limit import available_memory, group_limits

UNLIMITED_V1 = "9223372036854771712"


def _limits(directory, memberships, files):
    (directory / "cgroup").write_text(memberships)
    for path, text in files.items():
        place = directory / "groups" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text + "\n")
    return sorted(group_limits(str(directory / "cgroup"), str(directory / "groups")))


@pytest.mark.parametrize(
    ("memberships", "files", "limits"),
    [
        ("0::/\n", {"memory.max": "4096"}, [4096]),
        ("0::/a/b\n", {"a/memory.max": "4096", "a/b/memory.max": "max"}, [4096]),
        ("0::/of/the/host\n", {"memory.max": "4096"}, [4096]),
        ("0::/../other\n", {"memory.max": "4096"}, [4096]),
        ("0::/\n", {}, []),
        (
            "9:name=systemd:/\n4:cpu,memory:/a\n0::/\n",
            {"memory/memory.limit_in_bytes": UNLIMITED_V1, "memory/a/memory.limit_in_bytes": "8"},
            [8, int(UNLIMITED_V1)],
        ),
        ("4:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "8"}, []),
    ],
)
def test_limits_of_the_group_and_of_those_around_it(tmp_path, memberships, files, limits):
    assert _limits(tmp_path, memberships, files) == limits


def test_smaller_one_of_machine_and_container(monkeypatch):
    monkeypatch.setattr(memory_limit, "group_limits", lambda: [4096, int(UNLIMITED_V1)])
    assert available_memory() == 4096
    monkeypatch.setattr(memory_limit, "group_limits", list)
    assert available_memory() > 4096


def test_missing_files_limit_nothing(tmp_path):
    assert list(group_limits(str(tmp_path / "none"), str(tmp_path))) == []
