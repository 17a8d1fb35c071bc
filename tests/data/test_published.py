import hashlib
import os

import pytest
from made_sources import python_files, write_tar

from tfinspect.data import published
from tfinspect.data.published import PUBLISHED, Published, published_source
from tfinspect.data.sources import open_source
from tfinspect.errors import DataError

NOWHERE = "http://127.0.0.1:1/"


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path))
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def test_the_publishers_md5():
    sums = {archive.file: archive.md5 for pair in PUBLISHED.values() for archive in pair}
    assert sums == {
        "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
        "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
        "cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85",
        "cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8",
    }


@pytest.mark.parametrize("index", [0, 1])
def test_an_archive_in_the_cache_is_used(downloads, monkeypatch, index):
    file = PUBLISHED["cifar10"][index].file
    write_tar(downloads / file, python_files())
    md5 = hashlib.md5((downloads / file).read_bytes()).hexdigest()
    pair = list(PUBLISHED["cifar10"])
    pair[index] = Published(file, md5)
    monkeypatch.setitem(published.PUBLISHED, "cifar10", tuple(pair))
    source = published_source("cifar10", base_url=NOWHERE)
    assert source.fingerprint == {"kind": "cifar10", "md5": md5}
    assert len(source.examples.splits["test"].labels) == 10


def test_an_archive_with_a_wrong_md5_is_refused(downloads):
    write_tar(downloads / "cifar-10-python.tar.gz", python_files())
    with pytest.raises(DataError, match=r"has MD5 .* instead of c58f30108f718f92721af3b95e74349a"):
        _ = published_source("cifar10", base_url=NOWHERE).examples


def test_a_full_archive_given_by_path_is_compared_with_the_published_md5(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", python_files())
    assert open_source(path).examples.label_names
    monkeypatch.setattr(published, "FULL_BYTES", 1000)
    message = (
        r"cifar-10-python.tar.gz' has MD5 \w+ instead of c58f30108f718f92721af3b95e74349a; get "
        r"'https://.*/cifar-10-python.tar.gz' again and put it there, or give an archive of your "
        "own another name"
    )
    with pytest.raises(DataError, match=message):
        _ = open_source(path).examples
    os.rename(path, tmp_path / "mine.tar.gz")
    assert open_source(str(tmp_path / "mine.tar.gz")).examples.label_names


def test_a_remote_cache_downloads_to_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TFINSPECT_CACHE", "ram://cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "tfinspect" / "downloads" / "cifar-10-python.tar.gz"
    with pytest.raises(DataError, match=f"put it at '{path}'"):
        _ = published_source("cifar10", base_url=NOWHERE).examples


def test_without_a_network_the_place_for_the_file_is_named(downloads):
    path = downloads / "cifar-100-python.tar.gz"
    with pytest.raises(DataError, match=f"or get the file elsewhere and put it at '{path}'"):
        _ = published_source("cifar100", base_url=NOWHERE).examples
