import gzip
import io

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfinspect.data.tfrecord import CorruptRecordError, frame, read_records, write_record
from tfinspect.errors import DataError

RECORDS = [b"first", b"", bytes(range(256)) * 9, b"last"]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "four.tfrecord"
    path.write_bytes(b"".join(map(frame, RECORDS)))
    return path


@settings(deadline=None, max_examples=25)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_framing_equals_tensorflows(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("tf") / "x"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    stream = io.BytesIO()
    for record in records:
        write_record(stream, record)
    assert stream.getvalue() == path.read_bytes()
    assert [record.data for record in read_records(str(path))] == records


def test_tensorflow_reads_what_is_written(path):
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == RECORDS


def test_records_know_their_index_and_offset(path):
    offsets = [0, 21, 37, 37 + 16 + 2304]
    records = list(read_records(str(path)))
    assert [(r.index, r.offset) for r in records] == list(enumerate(offsets))


def test_records_larger_than_the_read_buffer(tmp_path):
    records = [b"a" * 3_000_000, b"b", b"c" * 1_100_000]
    (tmp_path / "big").write_bytes(b"".join(map(frame, records)))
    assert [record.data for record in read_records(str(tmp_path / "big"))] == records


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (37 + 2, "record 2 at byte 37 has a wrong CRC32C of its length"),
        (37 + 9, "record 2 at byte 37 has a wrong CRC32C of its length"),
        (37 + 12, "record 2 at byte 37 has a wrong CRC32C of its data"),
        (37 + 12 + 2304, "record 2 at byte 37 has a wrong CRC32C of its data"),
    ],
)
def test_a_changed_byte_is_found(path, position, message):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    found = []
    with pytest.raises(CorruptRecordError, match=message) as error:
        found.extend(record.data for record in read_records(str(path)))
    assert (error.value.path, error.value.index, error.value.offset) == (str(path), 2, 37)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (40, "record 2 at byte 37 is cut off in its header"),
        (1000, "record 2 at byte 37 is cut off: 951 of 2308 bytes are there"),
    ],
)
def test_a_truncated_file_is_found(path, length, message):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptRecordError, match=message):
        list(read_records(str(path)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot open '.*none': No such file"):
        list(read_records(str(tmp_path / "none")))


def test_a_compressed_file_is_recognized(tmp_path):
    with gzip.open(tmp_path / "x.tfrecord", "wb") as stream:
        write_record(stream, b"data")
    with pytest.raises(CorruptRecordError, match="the file is compressed with gzip"):
        list(read_records(str(tmp_path / "x.tfrecord")))
