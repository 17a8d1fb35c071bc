import struct

import numpy as np
import pytest
from oracle_files import CKPT_V2, OBJECT_BASED, copied
from table_writer import (
    entry,
    field,
    finished,
    header,
    shape,
    table,
    varint,
    with_trailer,
    write_bundle,
)

from tfinspect.artifacts import bundle_index, open_artifact
from tfinspect.artifacts.file_part import Room
from tfinspect.artifacts.slices import Extent, slice_key
from tfinspect.errors import ArtifactError

FLOAT, INT64, VARIANT, STRING, LATER = 1, 9, 21, 7, 77
# The header, and a key of a megabyte.
KEYS_TO_SHARE = ((b"", header()), (b"a" * (1 << 20), b""))
VALUES = struct.pack("<4f", 1, 2, 3, 4)


def _extent(start, length):
    return field(1, field(1, start) + field(2, length))


def _partitioned(*slices, size=4):
    """An entry of a vector in slices, and the entries of the slices with bounds (start, length)."""
    whole = (
        field(1, FLOAT)
        + field(2, shape(size))
        + b"".join(field(7, _extent(*one)) for one in slices)
    )
    found = {b"table": whole}
    for start, length in slices:
        data = VALUES[4 * start : 4 * (start + length)]
        key = slice_key(b"table", (Extent(start, length),))
        found[key] = entry(FLOAT, (length,), data, 4 * start)
    return found


def test_listing_tells_type_shape_and_size(tmp_path):
    prefix = write_bundle(tmp_path, {b"net/w": entry(FLOAT, (2, 2), VALUES)}, VALUES)
    (found,) = open_artifact(prefix).variables
    assert found.row() == {
        "name": "net/w",
        "shape": (2, 2),
        "dtype": "float32",
        "parameters": 4,
        "bytes": 16,
        "trainable": None,
        "collections": (),
        "slot": False,
        "key": "net/w",
        "shard": "made.ckpt.data-00000-of-00001",
    }


def test_value_is_mapped_and_read_only(tmp_path):
    value = open_artifact(write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), VALUES)}, VALUES)).read(
        "w"
    )
    np.testing.assert_array_equal(value, np.float32([1, 2, 3, 4]))
    assert not value.flags.writeable


def test_big_endian_values_are_turned(tmp_path):
    data = struct.pack(">4f", 1, 2, 3, 4)
    prefix = write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), data)}, data, endianness=1)
    np.testing.assert_array_equal(open_artifact(prefix).read("w"), np.float32([1, 2, 3, 4]))


@pytest.mark.parametrize(
    "read",
    [
        lambda artifact: artifact.read("w"),
        lambda artifact: artifact.read("w", Room()),
        lambda artifact: artifact.read_part("w", 3),
    ],
)
@pytest.mark.parametrize("count", [4, 100_000])
def test_broken_value_is_refused_however_it_is_read(tmp_path, read, count):
    data = struct.pack("<f", 1) * count
    broken = b"\xff" + data[1:]
    artifact = open_artifact(write_bundle(tmp_path, {b"w": entry(FLOAT, (count,), data)}, broken))
    with pytest.raises(
        ArtifactError, match=rf"'w' in .* does not match its checksum \(bytes 0 to {4 * count:,}"
    ):
        read(artifact)


def test_part_of_a_value_is_as_it_was_written(tmp_path):
    value = np.random.default_rng(2).standard_normal((300, 400), np.float32)
    data = value.tobytes()
    artifact = open_artifact(write_bundle(tmp_path, {b"w": entry(FLOAT, (300, 400), data)}, data))
    np.testing.assert_array_equal(artifact.read_part("w", (..., -1)), value[:, -1])


def test_values_in_one_room_take_turns(tmp_path):
    values = np.random.default_rng(2).standard_normal((2, 50_000), np.float32)
    entries = {
        name: entry(FLOAT, (50_000,), value.tobytes(), place * value.nbytes)
        for place, (name, value) in enumerate(zip((b"a", b"b"), values, strict=True))
    }
    artifact, room = open_artifact(write_bundle(tmp_path, entries, values.tobytes())), Room()
    stays = artifact.read("a")
    np.testing.assert_array_equal(artifact.read("a", room), values[0])
    np.testing.assert_array_equal(artifact.read("b", room), values[1])
    np.testing.assert_array_equal(stays, values[0])


def test_part_that_the_shape_does_not_have_is_refused(tmp_path):
    artifact = open_artifact(write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), VALUES)}, VALUES))
    with pytest.raises(ArtifactError, match=r"has shape \[4\], which has no part 9"):
        artifact.read_part("w", 9)


def test_slices_are_one_variable(tmp_path):
    artifact = open_artifact(write_bundle(tmp_path, _partitioned((0, 3), (3, 1)), VALUES))
    assert [(one.name, one.shape, one.bytes) for one in artifact.variables] == [("table", (4,), 16)]
    np.testing.assert_array_equal(artifact.read("table"), np.float32([1, 2, 3, 4]))


def test_missing_slice_is_noted(tmp_path):
    found = _partitioned((0, 3), (3, 1))
    del found[slice_key(b"table", (Extent(3, 1),))]
    artifact = open_artifact(write_bundle(tmp_path, found, VALUES))
    assert "has 1 of its 2 slices" in artifact.notes[0]
    with pytest.raises(ArtifactError, match="has 1 of its 2 slices"):
        artifact.read("table")


def test_slices_of_another_type_than_their_variable_are_noted(tmp_path):
    found = _partitioned((0, 4))
    found[b"table"] = field(1, LATER) + field(2, shape(4)) + field(7, _extent(0, 4))
    artifact = open_artifact(write_bundle(tmp_path, found, VALUES))
    assert "is of type unknown(77), which can be listed, not read" in artifact.notes[0]
    with pytest.raises(ArtifactError, match=r"is of type unknown\(77\)"):
        artifact.read("table")


def test_declared_size_beyond_the_data_is_refused_before_it_is_allocated(tmp_path):
    found = _partitioned((0, 4), size=4)
    found[b"table"] = field(1, FLOAT) + field(2, shape(2**40)) + field(7, _extent(0, 4))
    artifact = open_artifact(write_bundle(tmp_path, found, VALUES))
    with pytest.raises(ArtifactError, match="larger than all data files"):
        artifact.read("table")


def test_missing_data_file_is_noted_and_the_rest_is_read(tmp_path):
    tensors = {b"a": entry(FLOAT, (4,), VALUES), b"b": entry(FLOAT, (4,), VALUES, shard=1)}
    artifact = open_artifact(write_bundle(tmp_path, tensors, VALUES, shards=2))
    assert [one.readable for one in artifact.variables] == [True, False]
    assert artifact.notes[0].startswith("1 of 2 data files are missing")
    np.testing.assert_array_equal(artifact.read("a"), np.float32([1, 2, 3, 4]))
    with pytest.raises(ArtifactError, match=r"'b' in .*data-00001-of-00002', which is missing"):
        artifact.read("b")


def test_value_behind_the_end_of_its_file_is_noted(tmp_path):
    artifact = open_artifact(write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), VALUES)}, VALUES[:8]))
    assert "ends at byte 16" in artifact.notes[0]
    with pytest.raises(ArtifactError, match=r"ends at byte 16 of .*, which has 8"):
        artifact.read("w")


def test_data_file_number_that_does_not_exist_is_noted(tmp_path):
    prefix = write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), VALUES, shard=5)}, VALUES)
    assert "lies in data file 5 of 1" in open_artifact(prefix).notes[0]


def test_size_that_does_not_fit_the_shape_is_refused(tmp_path):
    artifact = open_artifact(
        write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), VALUES, size=8)}, VALUES)
    )
    with pytest.raises(ArtifactError, match="has 8 bytes where its shape needs 16"):
        artifact.read("w")


@pytest.mark.parametrize(("dtype", "name"), [(VARIANT, "variant"), (LATER, r"unknown\(77\)")])
def test_type_that_cannot_be_read_is_listed(tmp_path, dtype, name):
    artifact = open_artifact(write_bundle(tmp_path, {b"w": entry(dtype, (), b"xyz")}, b"xyz"))
    assert [one.readable for one in artifact.variables] == [False]
    with pytest.raises(ArtifactError, match=f"is of type {name}, which can be listed"):
        artifact.read("w")


@pytest.mark.parametrize("sizes", [(2**40, 2**40), (-1,)])
def test_impossible_shape_is_refused_with_its_entry(tmp_path, sizes):
    prefix = write_bundle(tmp_path, {b"net/w": entry(FLOAT, sizes, b"")}, b"")
    with pytest.raises(ArtifactError, match="broken at entry 'net/w'"):
        open_artifact(prefix)


def test_string_lengths_beyond_the_value_are_refused(tmp_path):
    data = b"\xff\xff\x7f" + bytes(4) + b"text"
    artifact = open_artifact(write_bundle(tmp_path, {b"s": entry(STRING, (1,), data)}, data))
    with pytest.raises(ArtifactError, match="lengths do not add up"):
        artifact.read("s")


def test_a_billion_declared_strings_are_refused(tmp_path):
    artifact = open_artifact(write_bundle(tmp_path, {b"s": entry(STRING, (10**9,), b"xy")}, b"xy"))
    with pytest.raises(ArtifactError, match="has 2 bytes for 1,000,000,000 strings"):
        artifact.read("s")


def test_newer_version_lists_names_only(tmp_path):
    tensors = {b"w": entry(FLOAT, (4,), VALUES)}
    artifact = open_artifact(write_bundle(tmp_path, tensors, VALUES, min_consumer=2))
    assert [one.name for one in artifact.variables] == ["w"]
    assert "readers of version 2" in artifact.notes[0]
    with pytest.raises(ArtifactError, match="written for readers of version 2"):
        artifact.read("w")


@pytest.mark.parametrize("shards", [0, 10**9])
def test_impossible_number_of_data_files_is_refused(tmp_path, shards):
    prefix = write_bundle(tmp_path, {b"w": entry(FLOAT, (4,), VALUES)}, VALUES, shards=shards)
    with pytest.raises(ArtifactError, match=f"says {shards} data files"):
        open_artifact(prefix)


def test_index_without_header_is_refused(tmp_path):
    (tmp_path / "made.ckpt.index").write_bytes(table({b"w": entry(FLOAT, (4,), VALUES)}))
    with pytest.raises(ArtifactError, match="no index of a V2 checkpoint: it has no header"):
        open_artifact(tmp_path / "made.ckpt")


def test_block_of_an_unknown_codec_leaves_the_rest_listed(tmp_path):
    blocks = {b"": header(), b"a": entry(FLOAT, (4,), VALUES)}, {b"b": entry(FLOAT, (4,), VALUES)}
    (tmp_path / "made.ckpt.index").write_bytes(table(*blocks, codecs=(0, 7)))
    (tmp_path / "made.ckpt.data-00000-of-00001").write_bytes(VALUES)
    artifact = open_artifact(tmp_path / "made.ckpt")
    assert [one.name for one in artifact.variables] == ["a"]
    assert "compression type 7" in artifact.notes[0]


def test_misspelt_name_gets_the_nearest():
    with pytest.raises(ArtifactError, match="nearest: 'tower_0/conv1/weights'"):
        open_artifact(CKPT_V2).read("tower_0/conv1/weigths")


def test_slots_of_named_checkpoints_are_marked():
    slots = {one.name for one in open_artifact(CKPT_V2).variables if one.slot}
    assert {"beta1_power", "tower_0/conv1/weights/Adam_1"} <= slots
    assert "tower_0/conv1/weights" not in slots


def test_broken_object_graph_leaves_the_keys(tmp_path):
    prefix = copied(OBJECT_BASED, tmp_path)
    path = tmp_path / "ckpt-3.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    place = data.find(b"layer_with_weights-0/kernel")
    data[place] ^= 1
    path.write_bytes(data)
    artifact = open_artifact(prefix)
    assert "model/layer_with_weights-0/kernel" in {one.name for one in artifact.variables}
    assert "object graph" in artifact.notes[0]


@pytest.mark.parametrize(
    ("dtype", "shape", "stored", "value"),
    [
        (INT64, (), struct.pack(">q", 7), 7),
        (19, (1,), b"\x3e\x00", [1.5]),
        (18, (1,), struct.pack(">2d", 1, -2), [1 - 2j]),
        (14, (), b"\x3f\xc0", 1.5),
        (FLOAT, (0, 4), b"", np.zeros((0, 4))),
    ],
    ids=["int64 scalar", "float16", "complex128", "bfloat16 scalar", "empty"],
)
def test_big_endian_value_of_at_most_one_element_is_turned(tmp_path, dtype, shape, stored, value):
    prefix = write_bundle(tmp_path, {b"w": entry(dtype, shape, stored)}, stored, endianness=1)
    np.testing.assert_array_equal(open_artifact(prefix).read("w").astype(complex), value)


def test_keys_of_one_text_are_two_variables(tmp_path):
    tensors = {
        b"a\\xff": entry(FLOAT, (1,), VALUES[:4]),
        b"a\xff": entry(FLOAT, (1,), VALUES[4:8], 4),
    }
    artifact = open_artifact(write_bundle(tmp_path, tensors, VALUES))
    found = {one.name: artifact.read(one.name).item() for one in artifact.variables}
    assert found == {"a\\xff": 1, "b'a\\xff'": 2}


def test_slices_of_a_key_that_is_no_text_are_found(tmp_path):
    whole = field(1, FLOAT) + field(2, shape(4)) + field(7, _extent(0, 4))
    tensors = {b"a\xff": whole, slice_key(b"a\xff", (Extent(0, 4),)): entry(FLOAT, (4,), VALUES)}
    artifact = open_artifact(write_bundle(tmp_path, tensors, VALUES))
    np.testing.assert_array_equal(artifact.read("a\\xff"), np.float32([1, 2, 3, 4]))


def test_header_in_a_block_of_an_unknown_codec_leaves_the_rest_listed(tmp_path):
    blocks = {b"": header(), b"a": entry(FLOAT, (4,), VALUES)}, {b"b": entry(FLOAT, (4,), VALUES)}
    (tmp_path / "made.ckpt.index").write_bytes(table(*blocks, codecs=(4, 0)))
    (tmp_path / "made.ckpt.data-00000-of-00001").write_bytes(VALUES)
    artifact = open_artifact(tmp_path / "made.ckpt")
    assert [(one.name, one.readable) for one in artifact.variables] == [("b", False)]
    assert "compression type 4" in artifact.notes[0]
    with pytest.raises(ArtifactError, match="cannot be read without the index's header"):
        artifact.read("b")


def test_more_strings_than_memory_holds_are_not_read(tmp_path):
    count = 1 << 23
    prefix = write_bundle(tmp_path, {b"s": entry(STRING, (count,), b"", size=count + 4)}, b"")
    with open(f"{prefix}.data-00000-of-00001", "wb") as stream:
        stream.truncate(count + 4)
    with pytest.raises(ArtifactError, match="has 8,388,608 strings, more than 4,194,304"):
        open_artifact(prefix).read("s")


def test_keys_that_unfold_to_gigabytes_are_refused(tmp_path):
    body = b"".join(b"\0" + varint(len(k)) + varint(len(v)) + k + v for k, v in KEYS_TO_SHARE)
    size = len(KEYS_TO_SHARE[1][0])
    for number in range(1000):
        body += varint(size) + b"\x02\0" + struct.pack(">H", number)
    block = with_trailer(body + struct.pack("<II", 0, 1), 1)
    index = finished(block, {b"z": varint(0) + varint(len(block) - 5)})
    (tmp_path / "made.ckpt.index").write_bytes(index)
    with pytest.raises(ArtifactError, match=r"made.ckpt.index' has more than .* bytes of them"):
        open_artifact(tmp_path / "made.ckpt")


def test_more_entries_than_any_model_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_index, "_MOST_ENTRIES", 3)
    tensors = {bytes([letter]): entry(FLOAT, (4,), VALUES) for letter in b"abc"}
    with pytest.raises(ArtifactError, match="has more than 3 entries"):
        open_artifact(write_bundle(tmp_path, tensors, VALUES))
