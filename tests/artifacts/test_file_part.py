import numpy as np
import pytest

from tfinspect.artifacts.file_part import map_part, read_part

DATA = np.random.default_rng(1).bytes(300_000)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(DATA)
    return str(tmp_path / "file")


@pytest.mark.parametrize("read", [read_part, map_part])
@pytest.mark.parametrize(("offset", "size"), [(0, 5), (4097, 70_000), (3, 299_997), (7, 0)])
def test_part_is_that_of_the_file(path, read, offset, size):
    assert bytes(read(path, offset, size)) == DATA[offset : offset + size]


@pytest.mark.parametrize("read", [read_part, map_part])
@pytest.mark.parametrize("offset", [200_000, 299_999, 300_000, 400_000])
def test_part_past_the_end_is_as_long_as_the_file_goes(path, read, offset):
    assert bytes(read(path, offset, 200_000)) == DATA[offset:]


def test_large_part_is_a_view_that_cannot_be_written(path):
    found = map_part(path, 1, 200_000)
    assert isinstance(found, memoryview)
    assert found.readonly


def test_view_outlives_the_open_file(path, tmp_path):
    found = np.frombuffer(map_part(path, 1, 200_000), np.uint8)
    (tmp_path / "file").unlink()
    assert found.tobytes() == DATA[1:200_001]


@pytest.mark.parametrize("read", [read_part, map_part])
def test_missing_file_is_an_os_error(read, tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        read(str(tmp_path / "none"), 0, 1)
