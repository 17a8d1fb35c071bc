import pytest
from made_sources import python_files, write_folder, write_tar

from tfinspect.data.manifest import Manifest, write_manifest
from tfinspect.data.sources import open_source
from tfinspect.errors import DataError


def test_an_archive_is_known_by_its_content(tmp_path):
    contents = python_files()
    sources = [
        open_source(write_tar(tmp_path / name, contents, mode="w"))
        for name in ("one.tar", "two.TAR")
    ]
    assert [source.name for source in sources] == ["one", "two"]
    assert sources[0].fingerprint == sources[1].fingerprint
    write_tar(tmp_path / "one.tar", {**contents, "batches.meta": b"other"}, mode="w")
    assert open_source(str(tmp_path / "one.tar")).fingerprint != sources[0].fingerprint


def test_an_extracted_directory_is_known_by_its_content(tmp_path):
    for name, data in python_files().items():
        (tmp_path / name).write_bytes(data)
    before = open_source(str(tmp_path))
    assert len(before.examples.splits["test"].labels) == 10
    (tmp_path / "test_batch").write_bytes(b"other")
    assert open_source(f"{tmp_path}/").fingerprint != before.fingerprint


def test_a_folder_a_glob_of_folders_and_a_glob_of_an_archive(tmp_path):
    write_folder(tmp_path / "photos", {"cat": 3, "dog": 3})
    write_tar(tmp_path / "cifar.tar.gz", python_files())
    for source, name in [("photos", "photos"), ("phot*/*/*.png", "photos"), ("*.gz", "cifar")]:
        opened = open_source(f"{tmp_path}/{source}")
        assert opened.name == name
        assert opened.examples.splits


@pytest.mark.parametrize("name", ["digits", "cifar10", "cifar100"])
def test_built_in_data_are_opened_without_being_loaded(name):
    source = open_source(name)
    assert source.name == name
    assert len(source.digest()) == 64


def test_the_seed_matters_where_it_splits(tmp_path):
    assert open_source("digits", seed=1).digest() != open_source("digits").digest()
    assert open_source("cifar10", seed=1).digest() == open_source("cifar10").digest()


def test_shards_are_no_source(tmp_path):
    write_manifest(str(tmp_path), Manifest("x", "raw", (), None, {}, {}, 0))
    with pytest.raises(DataError, match="holds TFRecord shards already; use it as it is"):
        open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifar11", "no data 'cifar11': .* no built-in data set .*nearest: 'cifar1"),
        ("{tmp}/none.tar.gz", "no such file or directory"),
        ("{tmp}/notes.txt", "notes.txt' is no archive .*; give a CIFAR archive"),
        ("{tmp}/*.jpg", "nothing matches '.*jpg'; quote the pattern"),
    ],
)
def test_what_cannot_be_opened(tmp_path, source, message):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=message):
        open_source(source.format(tmp=tmp_path))
