import bz2
import gzip
import lzma

import pytest
from made_sources import write_tar
from oracle_files import CKPT_V1

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.cut_off import described_slices
from tfinspect.errors import ArtifactError

WHOLE = CKPT_V1.read_bytes()


@pytest.fixture
def cut(tmp_path):
    def cut(length):
        path = tmp_path / "model.ckpt"
        path.write_bytes(WHOLE[:length])
        return path

    return cut


@pytest.mark.parametrize("length", [len(WHOLE) - 1, 10_000])
def test_cut_v1_checkpoint_is_told_with_both_sizes(cut, length):
    variables = open_artifact(CKPT_V1).variables
    listed = sum(one.bytes for one in variables if one.dtype != "string")
    path = cut(length)
    words = (
        f"'{path}' begins like a V1 checkpoint and does not end like one: it was probably cut off "
        f"at byte {length:,}, and the {len(variables)} variables that it describes have "
        f"{listed:,} bytes; get the file again"
    )
    with pytest.raises(ArtifactError) as caught:
        open_artifact(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("length", [20, 2000])
def test_cut_inside_the_description_is_told_with_its_end(cut, length):
    words = f"cut off at byte {length:,}, inside the description of its variables, which ends at"
    with pytest.raises(ArtifactError, match=f"{words} byte 2,205;"):
        open_artifact(cut(length))


def test_what_only_looks_a_little_like_a_v1_checkpoint_is_not_called_one(tmp_path):
    assert described_slices(WHOLE[:64]) is not None
    for place in (0, 1, 2, 4, 7):
        changed = bytearray(WHOLE[:64])
        changed[place] ^= 1
        assert described_slices(bytes(changed)) is None, place
    path = tmp_path / "zeros.ckpt"
    path.write_bytes(bytes(1000))
    with pytest.raises(ArtifactError, match="is of none of the known formats"):
        open_artifact(path)


def test_archive_is_told_to_be_one(tmp_path):
    path = tmp_path / "vgg_16_2016_08_28.tar.gz"
    write_tar(path, {"vgg_16.ckpt": WHOLE})
    whole, words = path.read_bytes(), "is compressed; .*an archive with 'tar -xf'"
    for length in (len(whole), 1000):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtifactError, match=f"'{path}' {words}"):
            open_artifact(path)


@pytest.mark.parametrize(
    ("module", "command"), [(gzip, "gunzip"), (bz2, "bunzip2"), (lzma, "unxz")]
)
def test_compressed_file_that_is_no_archive_has_a_cure_that_works(tmp_path, module, command):
    path = tmp_path / "model.pb.packed"
    path.write_bytes(module.compress(WHOLE))
    with pytest.raises(ArtifactError, match=f"a single file with '{command}'\\)"):
        open_artifact(path)
