import struct

import numpy as np
import pytest
from table_writer import entries, finished, table, varint, with_trailer

from tfinspect.artifacts import sstable
from tfinspect.artifacts.file_part import Room
from tfinspect.artifacts.sstable import Reading, Table, UnknownCodecError
from tfinspect.errors import ArtifactError

PAIRS = {b"": b"header", b"a": b"1" * 200, b"ab": b"2"}


@pytest.fixture
def write(tmp_path):
    def write(data):
        path = tmp_path / "table"
        path.write_bytes(data)
        return str(path)

    return write


def _all(found):
    return {key: value for block in found.blocks for key, value in found.read_block(block)}


def test_entries_of_all_blocks_come_back(write):
    assert _all(Table(write(table(PAIRS, {b"b": b"3"})))) == PAIRS | {b"b": b"3"}


def test_snappy_block_is_unpacked(write):
    assert _all(Table(write(table(PAIRS, codecs=(1,))))) == PAIRS


def test_prefix_compressed_keys_are_completed(write):
    body = varint(0) + varint(3) + varint(1) + b"abc1" + varint(2) + varint(1) + varint(1) + b"d2"
    block = with_trailer(body + struct.pack("<II", 0, 1))
    data = finished(block, {b"abd": varint(0) + varint(len(block) - 5)})
    assert _all(Table(write(data))) == {b"abc": b"1", b"abd": b"2"}


@pytest.mark.parametrize(
    ("key", "value"), [(b"b", b"3"), (b"", b"header"), (b"aa", None), (b"z", None)]
)
def test_get_finds_one_key(write, key, value):
    assert Table(write(table(PAIRS, {b"b": b"3"}))).get(key) == value


def test_file_of_another_kind_is_refused(write):
    with pytest.raises(ArtifactError, match="does not end like a checkpoint's table"):
        Table(write(b"x" * 100))


@pytest.mark.parametrize("length", [0, 1, 47])
def test_file_shorter_than_a_footer_is_refused(write, length):
    with pytest.raises(ArtifactError, match="broken at byte 0"):
        Table(write(table(PAIRS)[-length:] if length else b""))


def test_flipped_bit_is_found_by_the_checksum(write):
    data = bytearray(table(PAIRS))
    data[10] ^= 1
    with pytest.raises(ArtifactError, match=r"at byte 0 .*checksum of a block"):
        _all(Table(write(bytes(data))))


def test_unknown_codec_is_named(write):
    with pytest.raises(UnknownCodecError, match="compression type 7"):
        _all(Table(write(table(PAIRS, codecs=(7,)))))


def test_block_that_says_it_unfolds_to_gigabytes_is_refused(write):
    bomb = varint(2**40) + b"\x00a"
    block = bomb + b"\x01"
    from table_writer import crc_of

    block += struct.pack("<I", crc_of(block))
    data = finished(block, {b"a": varint(0) + varint(len(bomb))})
    with pytest.raises(ArtifactError, match="cannot unfold to 1,099,511,627,776"):
        _all(Table(write(data)))


def test_blocks_that_share_bytes_are_refused(write):
    block = with_trailer(entries(PAIRS))
    handle = varint(0) + varint(len(block) - 5)
    with pytest.raises(ArtifactError, match="overlaps another"):
        Table(write(finished(block, {b"a": handle, b"b": handle})))


def test_block_behind_the_end_of_the_file_is_refused(write):
    with pytest.raises(ArtifactError, match="ends behind the end"):
        Table(write(finished(b"", {b"a": varint(2**40) + varint(5)})))


@pytest.mark.parametrize(
    "body",
    [
        varint(0) + varint(1) + varint(1) + b"b1" + varint(0) + varint(1) + varint(1) + b"a2",
        varint(5) + varint(1) + varint(1) + b"a1",
        varint(0) + varint(1) + varint(200) + b"a1",
    ],
    ids=["keys out of order", "shared beyond the key", "value beyond the block"],
)
def test_impossible_entry_is_refused(write, body):
    block = with_trailer(body + struct.pack("<II", 0, 1))
    data = finished(block, {b"z": varint(0) + varint(len(block) - 5)})
    with pytest.raises(ArtifactError, match="a block's entries"):
        _all(Table(write(data)))


def test_restart_points_that_do_not_fit_are_refused(write):
    block = with_trailer(struct.pack("<I", 2**31))
    data = finished(block, {b"z": varint(0) + varint(len(block) - 5)})
    with pytest.raises(ArtifactError, match="restart points"):
        _all(Table(write(data)))


def test_value_of_a_large_block_is_a_view_of_the_file_when_asked_for(write):
    large = np.random.default_rng(3).bytes(100_000)
    path = write(table({b"a": large}, {b"b": b"small"}))
    found = Table(path)
    assert isinstance(found.get(b"a", Reading(view=True)), memoryview)
    assert (found.get(b"a", Reading(view=True)), found.get(b"b", Reading(view=True))) == (
        large,
        b"small",
    )
    assert isinstance(Table(path).get(b"a"), bytes)


def test_view_of_a_broken_block_is_refused(write):
    data = bytearray(table({b"a": bytes(100_000)}))
    data[50_000] ^= 1
    path = write(data)
    with pytest.raises(ArtifactError, match=r"checksum of a block of [0-9,]+ bytes does not"):
        Table(path).get(b"a", Reading(view=True))


def test_keys_that_share_a_large_beginning_are_refused(write, monkeypatch):
    monkeypatch.setattr(sstable, "_MOST_KEY_BYTES", 10_000)
    body = varint(0) + varint(1000) + b"\0" + b"a" * 1000
    body += b"".join(varint(1000) + b"\x01\0" + bytes([number]) for number in range(20))
    block = with_trailer(body + struct.pack("<II", 0, 1))
    data = finished(block, {b"z": varint(0) + varint(len(block) - 5)})
    with pytest.raises(ArtifactError, match="its keys unfold to more than 10,000 bytes"):
        _all(Table(write(data)))


@pytest.mark.parametrize("size", [5, 100_000])
@pytest.mark.parametrize("codec", [0, 1])
def test_block_is_verified_however_it_is_read(write, size, codec):
    data = bytearray(table({b"a": np.random.default_rng(4).bytes(size)}, codecs=(codec,)))
    data[size // 2] ^= 1
    found = Table(write(data))
    for reading in (Reading(), Reading(view=True), Reading(part=True, view=True), _roomed()):
        with pytest.raises(ArtifactError, match="checksum of a block"):
            found.get(b"a", reading)


def test_value_in_a_room_is_only_given_to_who_reads_into_that_room(write):
    one, other = (np.random.default_rng(seed).bytes(100_000) for seed in (5, 6))
    found = Table(write(table({b"a": one, b"b": b"beside"}, {b"c": other})))
    reading = _roomed()
    assert (found.get(b"a", reading), found.get(b"b", reading)) == (one, b"beside")
    stays, elsewhere = found.get(b"a"), found.get(b"a", _roomed())
    assert found.get(b"c", reading) == other
    assert (stays, elsewhere, found.get(b"a", reading)) == (one, one, one)


def _roomed():
    return Reading(view=True, room=Room())
