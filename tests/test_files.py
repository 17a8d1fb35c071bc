import os
import subprocess
import sys

import pytest

from tfinspect import files
from tfinspect.errors import DataError


@pytest.fixture(params=["local", "remote"])
def place(request, tmp_path):
    """A directory that exists, on this machine or in TensorFlow's file system in memory."""
    if request.param == "local":
        return str(tmp_path)
    directory = f"ram://files/{os.path.basename(tmp_path)}"
    files.make_directory(directory)
    return directory


def write(path, data=b"data"):
    with files.writing(path) as stream:
        files.write(stream, memoryview(data))
    return path


def test_what_is_written_is_read(place):
    path = write(files.join(place, "a"))
    with files.open_file(path) as stream:
        assert stream.read() == b"data"
    assert (files.exists(path), files.is_directory(path), files.size_bytes(path)) == (1, 0, 4)
    assert files.modified_ns(path) >= 0


def test_an_error_while_writing_leaves_the_old_file_and_no_other(place):
    path = write(files.join(place, "a"), b"old")
    with pytest.raises(ZeroDivisionError, match="zero"), files.writing(path) as stream:
        stream.write(b"half of the n" * (1 // 0))
    with files.open_file(path) as stream:
        assert stream.read() == b"old"
    assert files.list_directory(place) == ["a"]


def test_directories_are_made_listed_walked_and_removed(place):
    files.make_directory(files.join(place, "x", "y"))
    deep = write(files.join(place, "x", "y", "deep"))
    shallow = write(files.join(place, "x", "shallow"))
    assert files.list_directory(files.join(place, "x")) == ["shallow", "y"]
    assert files.walk(place) == [shallow, deep]
    assert files.glob(files.join(place, "x", "s*")) == [shallow]
    files.remove_empty_directory(files.join(place, "x"))
    assert files.exists(deep)
    files.remove(files.join(place, "x"))
    assert not files.exists(deep)
    files.remove(files.join(place, "x"))


@pytest.mark.parametrize("function", [files.open_file, files.size_bytes, files.modified_ns])
def test_a_missing_file_is_named(place, function):
    with pytest.raises(DataError, match=r"cannot (open|read) '.*none': "):
        function(files.join(place, "none"))


def test_a_file_system_without_its_plugin_says_so():
    with pytest.raises(DataError, match=r"cannot look for 'nofs://x': .*; install the file system"):
        files.exists("nofs://x")


def test_a_directory_under_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"cannot create the directory '.*file/x'"):
        files.make_directory(str(tmp_path / "file" / "x"))


def test_errors_that_are_no_file_systems_pass_through():
    with pytest.raises(KeyError, match="x"), files.reporting("read", "ram://x"):
        raise KeyError("x")


def test_a_write_into_nowhere_names_the_file_and_not_the_temporary_one(tmp_path):
    with pytest.raises(DataError, match=r"^cannot write '.*none/a': No such file"):
        write(str(tmp_path / "none" / "a"))


def test_another_file_that_cannot_be_opened_while_writing_keeps_its_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="other"), files.writing(str(tmp_path / "a")):
        (tmp_path / "other").read_bytes()
    assert list(tmp_path.iterdir()) == []


# A limit on the size of files fails the write in the same place as a full disk.
FULL = """
import resource, sys
from tfinspect import files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with files.writing(sys.argv[1]) as stream:
    stream.write(bytes(int(sys.argv[2])))
"""


@pytest.mark.parametrize("size", [5000, 100_000])
def test_a_full_disk_is_told_and_the_old_file_stands(tmp_path, size):
    path = write(str(tmp_path / "a"), b"old")
    command = [sys.executable, "-c", FULL, path, str(size)]
    error = subprocess.run(command, capture_output=True, text=True).stderr.splitlines()[-1]
    assert error == (
        f"tfinspect.errors.DataError: cannot write '{path}': File too large; what was there before "
        "stands; free space there, or choose another place."
    )
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_a_directory_that_holds_something_is_not_removed_as_empty(place):
    write(files.join(place, "a"))
    files.remove_empty_directory(place)
    assert files.list_directory(place) == ["a"]


def test_directory_that_can_be_made_is_writable_and_is_not_made(tmp_path):
    files.require_writable(str(tmp_path / "a" / "b"))
    assert list(tmp_path.iterdir()) == []


def test_file_in_place_of_a_directory_is_not_writable(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(DataError, match=r"into '.*taken/b': '.*taken' is no directory"):
        files.require_writable(str(tmp_path / "taken" / "b"))
