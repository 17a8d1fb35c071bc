import collections
import os
import pickle
import tracemalloc

import numpy as np
import pytest

from tfinspect.data.safe_unpickle import load_plain
from tfinspect.errors import DataError

ARRAYS = [
    np.arange(12, dtype=np.uint8).reshape(3, 4),
    np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
    np.array([1.5, -2]),
    np.array([b"ab", b"c"]),
    np.zeros((0, 3), np.float32),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype.str}{array.shape}")
def test_arrays_of_every_protocol_are_read(array, protocol):
    found = load_plain(pickle.dumps({"data": array}, protocol), "it")["data"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_read(protocol):
    value = {"a": [1, 2.5, None, True, (b"", b"bytes", "text")], "b": {"c": np.int64(3)}}
    assert load_plain(pickle.dumps(value, protocol), "it") == value


# Written by Python 2: {'labels': [7, 0], 'data': array([[1, 2]], dtype=uint8)}
PYTHON_2 = (
    b"\x80\x02}q\x00(U\x06labelsq\x01]q\x02(K\x07K\x00eU\x04dataq\x03cnumpy.core.multiarray\n"
    b"_reconstruct\nq\x04cnumpy\nndarray\nq\x05K\x00\x85U\x01b\x87Rq\x06(K\x01K\x01K\x02\x86cnumpy\n"
    b"dtype\nq\x07U\x02u1K\x00K\x01\x87Rq\x08(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    b"\x89U\x02\x01\x02tbu."
)


def test_pickles_of_python_2_are_read():
    found = load_plain(PYTHON_2, "it")
    assert found[b"labels"] == [7, 0]
    np.testing.assert_array_equal(found[b"data"], np.array([[1, 2]], np.uint8))


class _Runs:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (_Runs(os.system, "echo never"), "posix.system"),
        (_Runs(eval, "1"), "eval"),
        (_Runs(getattr, "text", "upper"), "getattr"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        ({1, 2}, "set"),
        (np.array([1, "two"], object), "dtype"),
        (np.zeros(2, [("x", "i4")]), "dtype"),
        (np.datetime64("2020-01-01"), "dtype"),
        (np.float64, "numpy.float64"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_anything_else_is_refused_by_name(value, name, protocol):
    with pytest.raises(DataError, match=f"'it' is a pickle that asks for '.*({name})"):
        load_plain(pickle.dumps(value, protocol), "'it'")


def test_foreign_codecs_are_refused():
    data = b"c_codecs\nencode\n(Vtext\nVrot13\ntR."
    with pytest.raises(DataError, match=r"_codecs.encode to 'rot13'"):
        load_plain(data, "it")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PYTHON_2[:60],
        b"no pickle",
        PYTHON_2.replace(b"K\x01K\x02\x86", b"K\x09K\x09\x86"),
        b"\x80\x02]q\x00h\x00a.",
    ],
)
def test_broken_pickles_are_told(data):
    with pytest.raises(DataError, match=r"it is broken .*; get the file again"):
        load_plain(data, "it")


@pytest.mark.parametrize("item", [b"]", b"}", b")"])
def test_lists_that_hold_each_other_twice_do_not_explode(item):
    # [[[x, x], [x, x]], …]: every level is five bytes and doubles what comes out.
    data = b"\x80\x02" + item + b"".join(b"q%c]q%ch%ch%c\x86" % (0, 1, 0, 0) for _ in range(60))
    with pytest.raises(DataError, match=r"it is broken .*it repeats its own parts too often"):
        load_plain(data + b".", "it")


# Tuples that hold each other twice: hashing or showing them would take for ever.
NESTED = b")" + b"q\x00h\x00\x86" * 60


@pytest.mark.parametrize(
    "data",
    [
        b"}" + NESTED + b"Ns.",
        b"}(" + NESTED + b"Nu.",
        b"(" + NESTED + b"Nd.",
        b"\x8f(" + NESTED + b"\x90.",
        b"(" + NESTED + b"\x91.",
        b"c_codecs\nencode\nVtext\n" + NESTED + b"\x86R.",
        b"cnumpy\ndtype\n" + NESTED + b"\x85R.",
    ],
)
def test_nested_tuples_are_no_keys_and_no_arguments(data):
    with pytest.raises(DataError, match="it is a pickle that asks for '"):
        load_plain(data, "it")


@pytest.mark.parametrize(
    "data",
    [
        # A memo of two thousand million parts, and a scalar of as many bytes.
        b"Nr\xff\xff\xff\x7f0cos\nsystem\n.",
        PYTHON_2[: PYTHON_2.index(b"cnumpy.core")]
        + b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        + b"J\xff\xff\xff\x7f\x86Rs.",
        # An array of bytes of three thousand million, and of more than can be counted.
        pickle.BYTEARRAY8 + (3 << 30).to_bytes(8, "little") + b"text.",
        pickle.BYTEARRAY8 + b"\xff" * 8 + b".",
    ],
)
def test_sizes_that_a_pickle_claims_are_not_believed(data):
    tracemalloc.start()
    with pytest.raises(DataError, match=r"it is (a pickle that asks for|broken)"):
        load_plain(data, "it")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_part_that_is_held_twice_is_read():
    part = ["text"]
    assert load_plain(pickle.dumps({"a": part, "b": part}), "it") == {"a": part, "b": part}
