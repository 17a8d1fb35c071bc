import tracemalloc

import numpy as np
import pytest
from oracle_files import CKPT_V1
from table_writer import field, shape, table, varint

from tfinspect.artifacts import open_artifact, saved_tensor
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
    return _name_of(name, 1)


def _name_of(name, axes):
    return slice_key(name, (Extent(0, -1),) * axes)


def _in_blocks(directory, meta, values):
    """Writes a file whose values have blocks of their own."""
    path = directory / "v1"
    path.write_bytes(table({b"": field(1, meta)}, values))
    return path


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


def test_variable_with_slices_in_a_missing_file_cannot_be_read(tmp_path):
    values = {
        slice_key(b"w", (Extent(0, 2),)): _value(FLOAT_LIST, bytes(8)),
        _whole(b"whole"): _value(FLOAT_LIST, bytes(8)),
    }
    metas = [_meta(b"w", FLOAT, (4,), (0, 2)), _meta(b"whole", FLOAT, (2,))]
    _write(tmp_path / "v1-00000-of-00002", metas, values)
    artifact = open_artifact(tmp_path / "v1")
    assert [(one.name, one.readable) for one in artifact.variables] == [
        ("w", False),
        ("whole", True),
    ]
    assert artifact.is_lost(artifact.entry("w"))
    reason = r"'w' in '.*v1' has slices of 2 elements where it has 4; put .* missing files beside"
    with pytest.raises(ArtifactError, match=reason):
        artifact.read("w")
    assert "1 of 2 files" in artifact.notes[0]
    assert "1 of 2 variables can be listed, not read. The first: 'w'" in artifact.notes[1]


def test_slice_that_does_not_lie_inside_its_variable_cannot_be_read(tmp_path):
    path = _write(tmp_path / "v1", [_meta(b"w", FLOAT, (4,), (2, 3))], {})
    artifact = open_artifact(path)
    assert "has a slice from 2 to 5 of an axis of 4" in artifact.why_unreadable(artifact.entry("w"))
    assert not artifact.entry("w").readable


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


def test_part_of_packed_floats_is_that_of_the_whole(tmp_path):
    value = np.arange(100_000, dtype=np.float32).reshape(100, 10, 100)
    values = {_name_of(b"w", 3): _value(FLOAT_LIST, value.tobytes())}
    artifact = open_artifact(_in_blocks(tmp_path, _meta(b"w", FLOAT, value.shape), values))
    np.testing.assert_array_equal(artifact.read_part("w", (..., 7)), value[..., 7])


def test_part_of_a_broken_value_is_refused(tmp_path):
    value = np.arange(100_000, dtype=np.float32)
    values = {_name_of(b"w", 1): _value(FLOAT_LIST, value.tobytes())}
    path = _in_blocks(tmp_path, _meta(b"w", FLOAT, value.shape), values)
    with open(path, "r+b") as stream:
        stream.seek(200_000)
        stream.write(b"\xaa")
    with pytest.raises(ArtifactError, match="checksum of a block"):
        open_artifact(path).read_part("w", 3)


def test_slices_without_anything_of_a_part_are_not_read(tmp_path):
    values = {slice_key(b"w", (Extent(0, 2),)): _value(FLOAT_LIST, np.float32([5, 6]).tobytes())}
    path = _write(tmp_path / "v1", [_meta(b"w", FLOAT, (4,), (0, 2), (2, 2))], values)
    assert open_artifact(path).read_part("w", 1) == 6
    with pytest.raises(ArtifactError, match="lacks a slice"):
        open_artifact(path).read_part("w", 2)


def test_part_that_the_shape_does_not_have_is_refused(tmp_path):
    values = {_whole(b"w"): _value(FLOAT_LIST, bytes(8))}
    artifact = open_artifact(_write(tmp_path / "v1", [_meta(b"w", FLOAT, (2,))], values))
    with pytest.raises(ArtifactError, match=r"has shape \[2\], which has no part 9"):
        artifact.read_part("w", 9)


def test_keys_of_one_text_are_two_variables(tmp_path):
    keys = (b"a\\xff", b"a\xff")
    values = {
        _whole(key): _value(FLOAT_LIST, np.float32([n]).tobytes()) for n, key in enumerate(keys)
    }
    path = _write(tmp_path / "v1", [_meta(key, FLOAT, (1,)) for key in keys], values)
    artifact = open_artifact(path)
    found = {one.name: artifact.read(one.name).item() for one in artifact.variables}
    assert found == {"a\\xff": 0, "b'a\\xff'": 1}


def test_many_small_integers_take_little_more_than_their_array(tmp_path):
    count = 4 << 20
    values = {_whole(b"n"): _value(INT_LIST, bytes(count - 2) + varint(300))}
    path = _write(tmp_path / "v1", [_meta(b"n", INT32, (count - 1,))], values)
    artifact = open_artifact(path)
    tracemalloc.start()
    value = artifact.read("n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value[-1] == 300
    assert peak < 60 << 20


def test_numbers_that_end_at_any_place_of_a_batch_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_tensor, "_BATCH", 11)
    numbers = [1, -1, 300, 0, 2**31 - 1, -(2**31), *range(100, 200)]
    values = {_whole(b"n"): _value(INT_LIST, b"".join(map(varint, numbers)))}
    path = _write(tmp_path / "v1", [_meta(b"n", INT32, (len(numbers),))], values)
    assert open_artifact(path).read("n").tolist() == numbers


def test_list_in_a_piece_a_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_tensor, "_MOST_PIECES", 3)
    value = field(2, field(3, field(INT_LIST, 1) * 4))
    path = _write(tmp_path / "v1", [_meta(b"n", INT32, (4,))], {_whole(b"n"): value})
    with pytest.raises(ArtifactError, match="has a list in more than 3 pieces"):
        open_artifact(path).read("n")
