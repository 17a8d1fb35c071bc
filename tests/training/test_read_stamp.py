import json

import pytest

from tfinspect.errors import RunError
from tfinspect.training import read_stamp
from tfinspect.training.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    return RunDirectory(str(tmp_path))


def stamp(run, data="d1", accuracy=0.5):
    return read_stamp.stamp(run, data=data, weights="best/model.ckpt-5", accuracy=accuracy)


def test_a_new_run_has_no_stamps(run):
    assert read_stamp.reads(run) == []


def test_stamps_are_counted(run):
    assert [stamp(run), stamp(run), stamp(run)] == [1, 2, 3]


def test_other_data_are_counted_apart(run):
    stamp(run)
    assert stamp(run, data="d2") == 1
    assert len(read_stamp.reads(run)) == 2


def test_a_stamp_says_what_was_read(run, monkeypatch):
    monkeypatch.setattr("sys.argv", ["tfinspect", "evaluate", "my run"])
    stamp(run, accuracy=0.25)
    with open(run.file("test_reads.json"), encoding="utf-8") as stream:
        (stored,) = json.load(stream)
    assert stored.pop("time").endswith("+00:00")
    assert stored == {
        "command": "tfinspect evaluate 'my run'",
        "data": "d1",
        "weights": "best/model.ckpt-5",
        "accuracy": 0.25,
    }


def test_a_broken_stamp_file_is_not_overwritten(run, tmp_path):
    (tmp_path / "test_reads.json").write_text("[{")
    with pytest.raises(RunError, match=r"test_reads\.json' is no valid JSON"):
        stamp(run)
    assert (tmp_path / "test_reads.json").read_text() == "[{"
