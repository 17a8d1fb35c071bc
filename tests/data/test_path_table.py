import errno
import os
import tracemalloc

import numpy as np
import pytest

from tfinspect.data import path_table as tables
from tfinspect.data.path_table import numbers, numbers_where, path_table, taken, unnamed
from tfinspect.errors import DataError

# One that is no UTF-8, as a file system may hold it.
PATHS = ["a/b.png", "", "häß/日本.jpg", "broken\udcff.png", "a/b.png", *map(str, range(20))]


@pytest.fixture(autouse=True, params=[0, 1 << 20], ids=["in files", "in memory"])
def small_parts(request, monkeypatch):
    monkeypatch.setattr(tables, "_AT_ONCE", 7)
    monkeypatch.setattr(tables, "SHORT_BYTES", request.param)


def test_paths_come_back_as_they_were_given():
    table = path_table(iter(PATHS))
    assert list(table) == PATHS
    assert table[-1] == "19"
    assert list(table[2:5]) == PATHS[2:5]
    assert list(path_table([])) == []
    with pytest.raises(IndexError):
        table[len(PATHS)]


def test_selections_are_of_the_selected():
    order = np.random.RandomState(0).permutation(len(PATHS))
    table = path_table(PATHS).take(order)
    assert list(table) == [PATHS[index] for index in order]
    again = table.take(np.array([3, 3, 0]))
    assert list(again) == [PATHS[order[3]], PATHS[order[3]], PATHS[order[0]]]


def test_arrays_are_those_of_numpy():
    chosen = np.random.RandomState(1).rand(50) < 0.5
    assert numbers_where(chosen).tolist() == np.flatnonzero(chosen).tolist()
    assert numbers_where(chosen & False).tolist() == []
    assert numbers(50).tolist() == list(range(50))
    assert unnamed(3, np.float32).tolist() == [0, 0, 0]
    values = np.arange(50) * 10
    indices = np.array([49, 0, 7])
    assert taken(values, indices).tolist() == [490, 0, 70]


def test_memory_does_not_follow_the_number_of_paths(monkeypatch):
    monkeypatch.setattr(tables, "SHORT_BYTES", 1 << 10)

    def peak(count):
        tracemalloc.start()
        table = path_table(f"folder/class/image{index:07d}.png" for index in range(count))
        shuffled = numbers(count)
        np.random.RandomState(0).shuffle(shuffled)
        assert len(table.take(shuffled)) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1000)
    assert peak(40_000) < peak(1000) + 10_000


def test_full_disk_is_an_error_and_no_bus_error(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables, "SHORT_BYTES", 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match="No space left on device; make room there, or set TMPDIR"):
        path_table(PATHS)
