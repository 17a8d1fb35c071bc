import numpy as np
import pytest
from oracle_files import CKPT_V1
from table_writer import field, shape, table, varint

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.slices import Extent, slice_key
from tfinspect.errors import ArtifactError

FLOAT, INT32 = 1, 3
FLOAT_LIST, INT_LIST = 5, 7


def _meta(name, dtype, sizes, *slices):
    parts = b"".join(
        field(4, field(1, field(1, start) + field(2, length))) for start, length in slices
    )
    tensor = field(1, name) + field(2, shape(*sizes)) + field(3, dtype)
    return field(1, tensor + (parts or field(4, field(1, b"") * len(sizes))))


def _value(number, data):
    return field(2, field(3, field(number, data)))


def _write(path, metas, values):
    pairs = {b"": field(1, b"".join(metas))} | dict(sorted(values.items()))
    path.write_bytes(table(pairs))
    return path


def _whole(name):
    return slice_key(name, (Extent(0, -1),))


def test_values_are_read(tmp_path):
    data = np.float32([1, 2]).tobytes()
    path = _write(
        tmp_path / "v1",
        [_meta(b"w", FLOAT, (2,)), _meta(b"n", INT32, (2,))],
        {
            _whole(b"w"): _value(FLOAT_LIST, data),
            _whole(b"n"): _value(INT_LIST, varint(-5) + b"\x07"),
        },
    )
    artifact = open_artifact(path)
    np.testing.assert_array_equal(artifact.read("w"), np.float32([1, 2]))
    np.testing.assert_array_equal(artifact.read("n"), np.int32([-5, 7]))


def test_several_files_are_one_checkpoint(tmp_path):
    for number, start in enumerate((0, 2)):
        data = np.float32([start, start + 1]).tobytes()
        _write(
            tmp_path / f"v1-0000{number}-of-00002",
            [_meta(b"w", FLOAT, (4,), (start, 2))],
            {slice_key(b"w", (Extent(start, 2),)): _value(FLOAT_LIST, data)},
        )
    artifact = open_artifact(tmp_path / "v1")
    np.testing.assert_array_equal(artifact.read("w"), np.float32([0, 1, 2, 3]))
    assert artifact.variables[0].shard == "v1-00000-of-00002, v1-00001-of-00002"
    assert artifact.notes == ()


def test_missing_file_of_several_is_told(tmp_path):
    value = {_whole(b"w"): _value(FLOAT_LIST, bytes(8))}
    _write(tmp_path / "v1-00001-of-00003", [_meta(b"w", FLOAT, (2,))], value)
    artifact = open_artifact(tmp_path / "v1")
    assert "2 of 3 files of" in artifact.notes[0]
    assert artifact.read("w").shape == (2,)


def test_files_of_two_checkpoints_are_refused(tmp_path):
    for number, size in enumerate((2, 3)):
        name = tmp_path / f"v1-0000{number}-of-00002"
        _write(name, [_meta(b"w", FLOAT, (size,))], {})
    with pytest.raises(ArtifactError, match=r"describes 'w' twice, with shapes \[2\] and \[3\]"):
        open_artifact(tmp_path / "v1")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "lacks a slice"),
        ({_whole(b"w"): _value(FLOAT_LIST, bytes(4))}, "holds 1 elements"),
        ({_whole(b"w"): _value(FLOAT_LIST, bytes(5))}, "a part of an element"),
        ({_whole(b"w"): field(1, b"")}, "has an entry without value"),
    ],
)
def test_wrong_value_is_refused_with_its_name(tmp_path, value, message):
    path = _write(tmp_path / "v1", [_meta(b"w", FLOAT, (2,))], value)
    with pytest.raises(ArtifactError, match=f"'w' in .*{message}"):
        open_artifact(path).read("w")


def test_integers_cut_off_are_refused(tmp_path):
    value = {_whole(b"n"): _value(INT_LIST, b"\x01\xff")}
    path = _write(tmp_path / "v1", [_meta(b"n", INT32, (2,))], value)
    with pytest.raises(ArtifactError, match="ends inside a number"):
        open_artifact(path).read("n")


def test_table_that_describes_no_tensors_is_refused(tmp_path):
    path = tmp_path / "v1"
    path.write_bytes(table({b"key": b"value"}))
    with pytest.raises(ArtifactError, match="is no V1 checkpoint"):
        open_artifact(path)


def test_strings_have_their_own_size():
    assert open_artifact(CKPT_V1).entry("extras/class_names").bytes > 0


def test_listing_does_not_read_values(tmp_path):
    path = tmp_path / "v1"
    value = {_whole(b"w"): _value(FLOAT_LIST, bytes(8))}
    data = bytearray(table({b"": field(1, _meta(b"w", FLOAT, (2,)))}, value))
    data[data.find(_whole(b"w"))] ^= 0xFF
    path.write_bytes(data)
    artifact = open_artifact(path)
    assert [one.name for one in artifact.variables] == ["w"]
    with pytest.raises(ArtifactError, match="checksum"):
        artifact.read("w")
