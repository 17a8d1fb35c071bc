import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfinspect.data.example_proto import decode_example, encode_example
from tfinspect.errors import DataError

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False)
VALUES = st.one_of(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    st.lists(INT64, min_size=1, max_size=4),
    st.lists(FLOATS, min_size=1, max_size=4),
)
FEATURES = st.dictionaries(st.text(max_size=12), VALUES, max_size=5)


def as_lists(features):
    return {name: list(values) for name, values in features.items()}


def by_tensorflow(data):
    example = tf.train.Example.FromString(data)
    return {
        name: list(getattr(feature, feature.WhichOneof("kind")).value)
        for name, feature in example.features.feature.items()
    }


@settings(deadline=None)
@given(FEATURES)
def test_what_is_encoded_is_decoded(features):
    assert as_lists(decode_example(encode_example(features))) == features


@settings(deadline=None)
@given(FEATURES)
def test_tensorflow_reads_the_same_and_writes_the_same_bytes(features):
    data = encode_example(features)
    assert by_tensorflow(data) == features
    assert tf.train.Example.FromString(data).SerializeToString(deterministic=True) == data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"x", [b"x"]),
        (3, [3]),
        (0.5, [0.5]),
        (True, [1]),
        ([1, 0.5], [1.0, 0.5]),
        (np.arange(4, dtype=np.uint8).reshape(2, 2), [0, 1, 2, 3]),
        (np.array([0.25, -1]), [0.25, -1]),
        (np.array([b"a", b"bc"]), [b"a", b"bc"]),
        ([], []),
    ],
)
def test_kinds_follow_from_values(value, expected):
    assert list(decode_example(encode_example({"f": value}))["f"]) == expected


def test_dtypes_of_decoded_features():
    decoded = decode_example(encode_example({"i": 1, "f": 1.0, "b": b"1", "e": np.zeros(0)}))
    kinds = {name: getattr(values, "dtype", list) for name, values in decoded.items()}
    assert kinds == {"i": np.int64, "f": np.float32, "b": list, "e": np.float32}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "feature 'f' has a value of type 'str'; give bytes"),
        ([b"x", 1], "mixes bytes and int64; give values of one kind"),
        ([2**63], "cannot be written as a list of int64"),
        (np.zeros(2, complex), "dtype 'complex128'"),
    ],
)
def test_other_values_are_refused(value, message):
    with pytest.raises(DataError, match=message):
        encode_example({"f": value})


def test_bytes_that_are_no_example_are_refused():
    with pytest.raises(DataError, match=r"a record of 3 bytes is no tf.train.Example"):
        decode_example(b"\xff\xff\xff")


def test_tensorflow_can_be_imported_after_it():
    code = (
        "from tfinspect.data.example_proto import encode_example as e; data = e({'a': 1});"
        "from tensorflow.core.example import example_pb2;"
        "print(example_pb2.Example.FromString(data).features.feature['a'].int64_list.value)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[1]\n"
