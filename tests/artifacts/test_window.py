import mmap
import os

import pytest

from tfinspect.artifacts.window import Window


@pytest.fixture
def mapped(tmp_path):
    (tmp_path / "file").write_bytes(b"before, inside, behind")
    with (
        open(tmp_path / "file", "rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as found,
    ):
        yield found


def test_window_is_a_file_of_its_own(mapped):
    window = Window(mapped, 8, 6)
    assert (window.read(), window.tell(), window.read()) == (b"inside", 6, b"")
    assert (window.seek(-4, os.SEEK_END), window.read(2)) == (2, b"si")
    assert (window.seek(-1, os.SEEK_CUR), window.read(9)) == (3, b"ide")


def test_window_past_the_end_is_cut(mapped):
    assert Window(mapped, 16, 1000).read() == b"behind"
    assert Window(mapped, 1000, 5).read() == b""


def test_place_before_the_start_is_the_start(mapped):
    window = Window(mapped, 8, 6)
    assert (window.seek(-99), window.read(2)) == (0, b"in")
