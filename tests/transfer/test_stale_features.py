"""Features that nobody uses, or that a killed process left, do not stay for ever."""

import os

import pytest

from tfinspect.transfer.stale_features import BROKEN_OFF, UNUSED, forget_stale, mark_used

NOW = 2e9


@pytest.fixture
def place(tmp_path):
    """Makes an entry of the cache that was last used so many seconds ago."""

    def make(name, age):
        path = tmp_path / name
        path.mkdir()
        (path / "labels.npy").write_bytes(b"0")
        for one in (path / "labels.npy", path):
            os.utime(one, (NOW - age, NOW - age))
        return path

    return make


def test_stale_entries_go_and_the_others_stay(place, tmp_path):
    place("old", UNUSED + 1)
    place(".killed.tmp-1", BROKEN_OFF + 1)
    place("recent", UNUSED - 1)
    place(".at-work.tmp-2", BROKEN_OFF - 1)
    forget_stale(str(tmp_path), NOW)
    assert sorted(os.listdir(tmp_path)) == [".at-work.tmp-2", "recent"]


def test_one_use_keeps_an_old_entry(place, tmp_path):
    path = place("old", UNUSED + 1)
    mark_used(str(path / "labels.npy"))
    os.utime(path, (0, 0))
    forget_stale(str(tmp_path), os.stat(path / "labels.npy").st_mtime + 1)
    assert path.exists()


def test_cache_that_is_not_there_holds_nothing_stale(tmp_path):
    forget_stale(str(tmp_path / "absent"))
    assert not (tmp_path / "absent").exists()
