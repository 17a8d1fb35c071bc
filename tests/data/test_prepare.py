import dataclasses
import subprocess
import sys
import threading

import pytest
from made_sources import python_files, write_folder, write_tar

from tfinspect.data.convert import convert
from tfinspect.data.manifest import has_manifest, read_manifest, write_manifest
from tfinspect.data.prepare import prepare
from tfinspect.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_digits_are_converted_once(monkeypatch):
    directory, manifest = prepare("digits")
    assert has_manifest(directory)
    assert {split: info.examples for split, info in manifest.splits.items()} == {
        "train": 1297,
        "validation": 200,
        "test": 300,
    }
    monkeypatch.delattr("sklearn.datasets.load_digits")
    assert prepare("digits") == (directory, manifest)


def test_shards_are_used_as_they_are(tmp_path, own_cache):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    manifest = convert(str(folder), str(tmp_path / "records"))
    assert prepare(str(tmp_path / "records")) == (str(tmp_path / "records"), manifest)
    assert not own_cache.exists()


def test_changed_images_are_converted_anew(tmp_path):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    first, _ = prepare(str(folder))
    assert prepare(str(folder))[0] == first
    write_folder(folder, {"a": 4})
    second, manifest = prepare(str(folder))
    assert second != first
    assert manifest.splits["train"].examples == 3


@pytest.mark.parametrize("damage", ["{", None])
def test_a_damaged_cache_is_mended(tmp_path, damage):
    path = write_tar(tmp_path / "c.tar.gz", python_files())
    directory, manifest = prepare(path)
    if damage:
        with open(f"{directory}/manifest.json", "w") as stream:
            stream.write(damage)
    else:
        with open(f"{directory}/test-00000-of-00001.tfrecord", "w") as stream:
            stream.write("short")
    assert prepare(path) == (directory, manifest)


def test_an_error_leaves_nothing_in_the_cache(tmp_path, own_cache):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    (folder / "a" / "broken.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"broken.png' is empty"):
        prepare(str(folder))
    assert not list(own_cache.rglob("*.tfrecord"))
    assert not list((own_cache / "records").iterdir())


def test_a_race_keeps_the_first_conversion(tmp_path, own_cache):
    folder = str(write_folder(tmp_path / "photos", {"a": 3, "b": 3}))
    seen, results, waiting = [], [], threading.Event()

    def report(what, done, total):
        seen.append(what.split()[0])
        waiting.set()

    second = threading.Thread(target=lambda: results.append(prepare(folder, progress=report)))

    def start_second(what, done, total):
        if not second.ident:
            second.start()
            assert waiting.wait(10)

    results.append(prepare(folder, progress=start_second))
    second.join()
    assert results[0] == results[1]
    assert set(seen) == {"waiting"}
    assert [entry.name for entry in (own_cache / "records").iterdir()] == [
        results[0][0].split("/")[-1]
    ]


KILLED = """
import os, sys
from tfinspect.data.prepare import prepare
prepare(sys.argv[1], progress=lambda *_: os._exit(9))
"""


def test_leftovers_of_killed_processes_are_swept(tmp_path, own_cache):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    command = [sys.executable, "-c", KILLED, str(folder)]
    assert subprocess.run(command).returncode == 9
    (left,) = (own_cache / "records").iterdir()
    assert any(entry.name.startswith(".partial-") for entry in left.iterdir())
    write_folder(folder, {"a": 4})
    directory, _ = prepare(str(folder))
    assert [str(entry) for entry in (own_cache / "records").iterdir()] == [directory]


def test_the_cache_may_be_remote(tmp_path, monkeypatch):
    monkeypatch.setenv("TFINSPECT_CACHE", "ram://prepare-cache")
    folder = str(write_folder(tmp_path / "photos", {"a": 3, "b": 3}))
    directory, manifest = prepare(folder)
    assert directory.startswith("ram://prepare-cache/records/photos-")
    assert prepare(folder) == (directory, read_manifest(directory)) == (directory, manifest)


def delete(shard):
    shard.unlink()


def cut(shard):
    shard.write_bytes(shard.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (delete, r"the shard '.*test-0.*tfrecord' is missing; `tfinspect check-records"),
        (cut, r"the shard '.*test-0.*tfrecord' has [\d,]+ bytes instead of [\d,]+; `tfinspect"),
    ],
)
def test_damaged_shards_of_the_user_are_told_at_once(tmp_path, harm, message):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    convert(str(folder), str(tmp_path / "records"))
    harm(tmp_path / "records" / "test-00000-of-00001.tfrecord")
    with pytest.raises(DataError, match=message):
        prepare(str(tmp_path / "records"))


def test_a_label_without_a_name_in_any_split_is_told_at_once(tmp_path):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    manifest = convert(str(folder), str(tmp_path / "records"))
    write_manifest(str(tmp_path / "records"), dataclasses.replace(manifest, label_names=("a",)))
    with pytest.raises(DataError, match="'train' of 'photos' has the label 'b', which is none of"):
        prepare(str(tmp_path / "records"))
