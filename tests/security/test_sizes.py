"""Files that claim, or unpack to, more than memory holds."""

import resource
import tarfile

import pytest
from attacks import npy_claiming, png_claiming, tar_bomb

from tfinspect.data.archives import extract, read_members
from tfinspect.data.image_bytes import read_encoded, read_rgb
from tfinspect.data.tfrecord import header, read_records
from tfinspect.errors import DataError
from tfinspect.play.feeds import parse_feeds

# An attack that works takes gigabytes, one that does not takes next to nothing.
MOST_BYTES = 256 << 20


@pytest.fixture(autouse=True)
def peak():
    """Fails the test when this process needs much more memory than it ever did."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MOST_BYTES


@pytest.mark.parametrize("read", [read_encoded, read_rgb])
def test_picture_that_claims_50_000_by_50_000_pixels_is_refused(tmp_path, read):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(50_000, 50_000))
    with pytest.raises(DataError, match="decompression bomb"):
        read(str(path))


def test_record_that_claims_a_petabyte_is_cut_off(tmp_path):
    path = tmp_path / "huge.tfrecord"
    path.write_bytes(header(1 << 50) + b"abc")
    with pytest.raises(DataError, match=r"record 0 at byte 0 is cut off: 3 of 1125899906842628"):
        list(read_records(str(path)))


@pytest.mark.parametrize("shape", [(10**12,), (10**9, 10**9), (-1,)])
def test_array_that_claims_terabytes_is_refused(tmp_path, shape):
    path = tmp_path / "huge.npy"
    path.write_bytes(npy_claiming(shape))
    with pytest.raises(DataError, match=r"huge\.npy' is no array of NumPy"):
        parse_feeds([f"x={path}"])


@pytest.mark.slow
def test_member_of_an_archive_that_unpacks_to_more_than_any_batch_is_not_read(tmp_path):
    path = tar_bomb(tmp_path / "bomb.tar.gz", "data_batch_1", 513 << 20)
    assert path.stat().st_size < 8 << 20
    with pytest.raises(DataError, match=r"'cifar/data_batch_1' has 537,919,488 bytes"):
        read_members(str(path), {"data_batch_1"})


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_header_of_an_archive_that_unpacks_to_more_than_names_do_is_not_read(tmp_path, kind):
    path = tar_bomb(tmp_path / "bomb.tar.gz", "name", 300 << 20, kind)
    with pytest.raises(DataError, match="a header has more than 32,768 bytes"):
        extract(str(path), str(tmp_path / "out"), lambda name: True, limit=64 << 20)
