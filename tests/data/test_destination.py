import shutil
import subprocess
import sys
import threading

import pytest
import tensorflow as tf
from made_sources import python_files, write_tar

from tfinspect import files
from tfinspect.data import destination
from tfinspect.data.convert import convert
from tfinspect.data.destination import sweep
from tfinspect.data.manifest import damage, read_manifest
from tfinspect.errors import DataError

SHARD = "train-00000-of-00001.tfrecord"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_tar(tmp_path_factory.mktemp("archive") / "small.tar.gz", python_files())


# Kills itself before it moves the named file.
KILLED = """
import os, sys
from tfinspect import files
from tfinspect.data.convert import convert
rename = files.rename
def move(source, target):
    if os.path.basename(target) == sys.argv[3] and ".partial" not in target:
        os._exit(9)
    rename(source, target)
files.rename = move
convert(sys.argv[1], sys.argv[2])
"""


def kill_before(name, archive, directory):
    command = [sys.executable, "-c", KILLED, archive, str(directory), name]
    assert subprocess.run(command).returncode == 9


@pytest.mark.parametrize("name", [SHARD, "train-00000-of-00008.tfrecord"])
def test_shards_of_others_are_left_alone(archive, tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(DataError, match=rf"holds something else \('{name}'\); give a new"):
        convert(archive, str(tmp_path))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"precious")]


@pytest.mark.parametrize("name", ["test-00000-of-00001.tfrecord", "manifest.json"])
def test_a_conversion_killed_while_it_moves_is_done_again(archive, tmp_path, name):
    out = tmp_path / "out"
    kill_before(name, archive, out)
    assert (out / SHARD).exists()
    assert not (out / "manifest.json").exists()
    manifest = convert(archive, str(out))
    assert damage(str(out), manifest) is None
    assert len(list(out.iterdir())) == 1 + 3


def test_a_file_put_in_the_place_of_a_leftover_is_left_alone(archive, tmp_path):
    kill_before("manifest.json", archive, tmp_path)
    (tmp_path / SHARD).write_bytes(b"precious")
    with pytest.raises(DataError, match=f"holds something else .'{SHARD}'"):
        convert(archive, str(tmp_path))
    assert (tmp_path / SHARD).read_bytes() == b"precious"


def test_a_failing_repair_leaves_the_damaged_conversion(archive, tmp_path, monkeypatch):
    convert(archive, str(tmp_path))
    (tmp_path / SHARD).unlink()
    before = sorted(path.name for path in tmp_path.iterdir())

    def fail(what, done, total):
        raise DataError("no luck")

    with pytest.raises(DataError, match="no luck"):
        convert(archive, str(tmp_path), progress=fail)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_file_that_came_meanwhile_is_left_alone(archive, tmp_path):
    def come(what, done, total):
        (tmp_path / SHARD).write_bytes(b"precious")

    with pytest.raises(DataError, match="holds something else"):
        convert(archive, str(tmp_path), progress=come)
    assert [path.name for path in tmp_path.iterdir()] == [SHARD]
    assert (tmp_path / SHARD).read_bytes() == b"precious"


def test_two_conversions_of_one_kind_are_done_once(archive, tmp_path):
    out, waiting, seen = str(tmp_path / "out"), threading.Event(), []

    def report(what, done, total):
        seen.append(what.split()[0])
        waiting.set()

    second = threading.Thread(target=convert, args=(archive, out), kwargs={"progress": report})

    def start_second(what, done, total):
        if not second.ident:
            second.start()
            assert waiting.wait(10)

    manifest = convert(archive, out, progress=start_second)
    second.join()
    assert set(seen) == {"waiting"}
    assert read_manifest(out) == manifest
    assert len(list((tmp_path / "out").iterdir())) == 1 + 3


@pytest.mark.parametrize("fails", [False, True])
def test_a_slow_conversion_does_not_destroy_a_fast_one(archive, fails):
    # Remote places have no locks.
    out = f"ram://race/{fails}"
    done = []

    def overtake(what, amount, total):
        if not done:
            done.append(convert(archive, out))
        elif fails:
            raise DataError("no luck")

    if fails:
        with pytest.raises(DataError, match="no luck"):
            convert(archive, out, progress=overtake)
    else:
        assert convert(archive, out, progress=overtake) == done[0]
    assert damage(out, done[0]) is None
    assert len(tf.io.gfile.listdir(out)) == 1 + 3


def test_a_dead_process_s_leftovers_are_removed_where_there_are_no_locks(
    archive, tmp_path, monkeypatch
):
    kill_before("manifest.json", archive, tmp_path / "out")
    (leftover,) = (tmp_path / "out").glob(".partial-*")
    alive = leftover.name.rsplit("-", 2)[0] + "-1-aa"
    for name in (leftover.name, alive, ".partial-elsewhere-1-bb"):
        target = f"ram://dead/{name}"
        files.make_directory(target)
        tf.io.gfile.copy(str(leftover / "manifest.json"), f"{target}/manifest.json", True)
    convert(archive, "ram://dead")
    left = {name for name in files.list_directory("ram://dead") if name.startswith(".")}
    assert left == {alive, ".partial-elsewhere-1-bb"}


def test_sweep_removes_a_killed_conversion_with_its_directory(archive, tmp_path):
    kill_before(SHARD, archive, tmp_path / "out")
    sweep(str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_sweep_leaves_a_conversion_that_is_under_way(archive, tmp_path):
    manifest = convert(
        archive, str(tmp_path / "out"), progress=lambda *_: sweep(str(tmp_path / "out"))
    )
    assert damage(str(tmp_path / "out"), manifest) is None


def test_sweep_leaves_other_files(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    sweep(str(tmp_path))
    assert (tmp_path / "thesis.tex").exists()


def test_a_disposable_place_is_cleared(archive, tmp_path):
    first = convert(archive, str(tmp_path / "out"), schema="encoded")
    whole = convert(archive, str(tmp_path / "raw"))
    shutil.copy(tmp_path / "raw" / SHARD, tmp_path / "out" / "other")
    place = destination.Destination(str(tmp_path / "out"), whole, disposable=True)

    def write(directory):
        for path in (tmp_path / "raw").glob("*.tfrecord"):
            shutil.copy(path, directory)
        return whole

    assert place.fill(write) == whole != first
    assert len(list((tmp_path / "out").iterdir())) == 1 + 3
