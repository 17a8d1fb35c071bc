import pytest
from made_sources import python_files, write_folder, write_tar

from tfinspect.data.convert import convert
from tfinspect.data.manifest import has_manifest
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


def test_a_race_keeps_the_first_conversion(tmp_path, own_cache, monkeypatch):
    folder = str(write_folder(tmp_path / "photos", {"a": 3, "b": 3}))
    monkeypatch.setattr("tfinspect.data.prepare.has_manifest", lambda directory: False)
    first, second = prepare(folder), prepare(folder)
    assert first == second
    assert [entry.name for entry in (own_cache / "records").iterdir()] == [first[0].split("/")[-1]]
