import errno
import os

import pytest
from made_sources import python_files, write_folder, write_image, write_tar

from tfinspect import files
from tfinspect.data.convert import convert
from tfinspect.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_tar(tmp_path_factory.mktemp("archive") / "small.tar.gz", python_files())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schema": "jpeg"}, "no schema 'jpeg'; there are: 'auto', 'encoded', 'raw'"),
        ({"workers": 0}, "0 workers cannot convert; choose 1 or more"),
        ({"shards": 0}, "0 shards for 45 examples; choose a number from 1 to 45"),
        ({"shards": 46}, "46 shards for 45 examples"),
        ({"seed": -1}, "seed -1 is out of range; choose one from 0 to 4294967295"),
    ],
)
def test_settings_that_cannot_work(archive, tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        convert(archive, str(tmp_path / "out"), **settings)
    assert not (tmp_path / "out").exists()


def test_other_files_in_the_destination_are_left_alone(archive, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DataError, match=r"holds something else \('thesis.tex'\); give a new"):
        convert(archive, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_destination(archive, tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(DataError, match="out' is a file; give a directory"):
        convert(archive, str(tmp_path / "out"))


@pytest.mark.parametrize("change", [{"schema": "encoded"}, {"shards": 2}, {"skip_corrupt": True}])
def test_another_conversion_is_not_overwritten(archive, tmp_path, change):
    convert(archive, str(tmp_path / "out"))
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "out").iterdir())
    with pytest.raises(DataError, match=r"holds another conversion .'small', schema raw"):
        convert(archive, str(tmp_path / "out"), **change)
    after = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "out").iterdir())
    assert after == before


@pytest.mark.parametrize("exists_before", [False, True])
def test_a_corrupt_image_leaves_nothing_behind(tmp_path, exists_before):
    folder = write_folder(tmp_path / "photos", {"a": 5, "b": 5})
    (folder / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    if exists_before:
        (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=r"image '.*b/broken.jpg' is .*convert with --skip-corrupt"):
        convert(str(folder), str(tmp_path / "out"))
    assert (tmp_path / "out").exists() == exists_before
    assert not exists_before or not list((tmp_path / "out").iterdir())


def test_a_split_of_nothing_but_corrupt_images_is_told(tmp_path):
    for split in ("train", "validation", "test"):
        write_folder(tmp_path / "photos" / split, {"a": 3, "b": 3})
    for path in (tmp_path / "photos" / "test").rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no image of the split 'test' could be read"):
        convert(str(tmp_path / "photos"), str(tmp_path / "out"), skip_corrupt=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("shards", [1, 7])
def test_raw_images_must_be_of_one_size(tmp_path, shards):
    folder = write_folder(tmp_path / "photos", {"a": 5, "b": 5})
    write_image(folder / "b" / "large.png", (9, 6))
    message = r"has 6x\d pixels and '.*' 6x\d, but raw records are of one size; .*schema encoded"
    with pytest.raises(DataError, match=message):
        convert(str(folder), str(tmp_path / "out"), schema="raw", shards=shards)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing_behind(archive, tmp_path, monkeypatch):
    def fail(stream, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write", fail)
    with pytest.raises(DataError, match=r"cannot write to '.*out': No space left.*make room"):
        convert(archive, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_error_in_the_last_step_leaves_nothing_behind(archive, tmp_path, monkeypatch):
    def fail(source, target):
        if "train" in target:
            raise OSError(errno.EIO, "no luck")
        os.replace(source, target)

    monkeypatch.setattr(files, "rename", fail)
    with pytest.raises(DataError, match="no luck"):
        convert(archive, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_unwritable_place_is_told(archive, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"cannot create the directory '.*file/out'"):
        convert(archive, str(tmp_path / "file" / "out"))


def test_a_broken_manifest_is_told(archive, tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"manifest.json': not a manifest of tfinspect .*KeyError"):
        convert(archive, str(tmp_path))
