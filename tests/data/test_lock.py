import errno
import fcntl
import os
import threading

import pytest

from tfinspect.data.lock import locked
from tfinspect.errors import DataError


def test_a_lock_leaves_nothing_behind(tmp_path):
    with locked(str(tmp_path / "new" / ".lock")) as held:
        assert held
        assert [entry.name for entry in (tmp_path / "new").iterdir()] == [".lock"]
    assert list((tmp_path / "new").iterdir()) == []


def test_one_waits_for_the_other(tmp_path):
    path, order, waiting = str(tmp_path / ".lock"), [], threading.Event()

    def second():
        with locked(path, lambda what, done, total: waiting.set()):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_who_need_not_wait_goes_on_without(tmp_path):
    path = str(tmp_path / ".lock")
    with locked(path), locked(path, wait=False) as held:
        assert not held
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_no_error(tmp_path, monkeypatch):
    def fail(stream, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    with locked(str(tmp_path / ".lock")) as held:
        assert not held


def test_a_remote_place_has_no_lock():
    with locked("ram://locks/.lock") as held:
        assert not held


def test_a_lock_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "dir").mkdir()
    with pytest.raises(DataError, match=r"cannot create the lock '.*dir': Is a directory"):
        with locked(str(tmp_path / "dir")):
            pass
