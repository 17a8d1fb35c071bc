import google_crc32c
import numpy as np
import pytest

from tfinspect.artifacts.file_part import Room, checksum, map_part, read_part

DATA = np.random.default_rng(1).bytes(1_200_000)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(DATA)
    return str(tmp_path / "file")


@pytest.mark.parametrize("read", [read_part, map_part])
@pytest.mark.parametrize(("offset", "size"), [(0, 5), (4097, 70_000), (3, 1_199_997), (7, 0)])
def test_part_is_that_of_the_file(path, read, offset, size):
    assert bytes(read(path, offset, size)) == DATA[offset : offset + size]


@pytest.mark.parametrize("read", [read_part, map_part])
@pytest.mark.parametrize("offset", [1_100_000, 1_199_999, 1_200_000, 1_400_000])
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


@pytest.mark.parametrize(("offset", "size"), [(0, 5), (7, 0), (3, 1_199_997), (600_000, 900_000)])
def test_checksum_is_that_of_what_the_file_has(path, offset, size):
    there = DATA[offset : offset + size]
    expected = len(there), google_crc32c.value(there)
    assert checksum(path, offset, size) == expected
    found, crc = Room().read(path, offset, size)
    assert (bytes(found), (len(found), crc)) == (there, expected)


def test_room_holds_one_value_after_the_other(path):
    room = Room()
    first, _ = room.read(path, 0, 70_000)
    assert bytes(first) == DATA[:70_000]
    second, _ = room.read(path, 70_000, 65_000)
    assert bytes(second) == DATA[70_000:135_000]
    assert first[:65_000] == second
    assert second.readonly
    assert room.reads == 2


def test_room_takes_what_is_neither_small_nor_huge():
    assert [Room.takes(size) for size in (100, 1 << 20, 1 << 40)] == [False, True, False]
