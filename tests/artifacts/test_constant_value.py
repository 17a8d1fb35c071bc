"""Values of constants, in every way a TensorProto can hold them, as TensorFlow reads them."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.compat.proto import graph_pb2

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError

VALUES = {
    "float32": np.float32([[1, -2, np.inf], [np.nan, 0, -0.0]]),
    "float64": np.float64([np.pi]),
    "float16": np.float16([1, -2.5]),
    "bfloat16": np.array([1, -2.5], ml_dtypes.bfloat16),
    "int8": np.int8([-128, 127]),
    "uint8": np.uint8([0, 255]),
    "int32": np.int32([[-(2**31)], [2**31 - 1]]),
    "int64": np.int64([-(2**63), 2**63 - 1]),
    "uint64": np.uint64([2**64 - 1]),
    "bool": np.array([True, False]),
    "complex64": np.complex64([1 + 2j, -3j]),
    "complex128": np.complex128([1 + 2j]),
    "string": np.array([[b"", b"\xff\x00"]], object),
    "empty": np.zeros((0, 3), np.float32),
    "scalar": np.float32(2.5),
    "equal": np.full((4, 5), 7, np.float32),
    "large": np.arange(100_000, dtype=np.float32),
}


def _opened(tmp_path, tensors):
    graph = graph_pb2.GraphDef()
    for name, proto in tensors.items():
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.ParseFromString(proto.SerializeToString())
        node.attr["dtype"].type = proto.dtype
    path = tmp_path / "constants.pb"
    path.write_bytes(graph.SerializeToString())
    return open_artifact(path)


LISTS = {
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "float16": "half_val",
    "bfloat16": "half_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
}


def _as_list(value):
    """Packs a value as C++ code does: into the typed list of its type."""
    proto = tf.make_tensor_proto(value)
    if not proto.tensor_content:
        return proto
    proto.tensor_content = b""
    flat = value.ravel()
    if value.dtype.kind == "c":
        flat = flat.view(value.real.dtype)
    name = LISTS.get(value.dtype.name, "int_val")
    if name == "half_val":
        flat = flat.view(np.uint16)
    getattr(proto, name).extend(flat.tolist())
    return proto


@pytest.mark.parametrize("pack", [tf.make_tensor_proto, _as_list])
def test_value_is_what_tensorflow_reads(tmp_path, pack):
    protos = {name: pack(value) for name, value in VALUES.items()}
    artifact = _opened(tmp_path, protos)
    for name, proto in protos.items():
        wanted, found = tf.make_ndarray(proto), artifact.read(name)
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), name
        assert found.tolist() == wanted.tolist() or found.tobytes() == wanted.tobytes(), name


def _proto(shape, values):
    proto = tf.make_tensor_proto(np.float32(0))
    proto.float_val[:] = values
    proto.tensor_shape.Clear()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def test_short_list_is_filled_with_its_last_value(tmp_path):
    artifact = _opened(tmp_path, {"made": _proto([2, 3], [1, 2, 3])})
    np.testing.assert_array_equal(artifact.read("made"), [[1, 2, 3], [3, 3, 3]])


def test_one_value_for_a_huge_shape_takes_no_memory(tmp_path):
    value = _opened(tmp_path, {"made": _proto([1 << 20, 1 << 10], [3])}).read("made")
    assert value.shape == (1 << 20, 1 << 10)
    assert value[5, 7] == 3


@pytest.mark.parametrize(
    ("shape", "values", "message"),
    [
        ([1 << 40, 1 << 40], [1], "overflows"),
        ([-1, 2], [1], "no full shape"),
        ([2], [1, 2, 3], "3 elements, its shape 2"),
        ([1 << 40], [1, 2], "lists 2 of"),
        ([1 << 40], [1], "lists 1 of 1,099,511,627,776 elements"),
        ([1] * 300, [1], "overflows"),
        ([1] * 100, [1], "constant 'made'"),
    ],
)
def test_value_that_does_not_fit_its_shape_is_refused(tmp_path, shape, values, message):
    with pytest.raises(ArtifactError, match=message):
        _opened(tmp_path, {"made": _proto(shape, values)}).read("made")


def test_content_of_another_size_is_refused(tmp_path):
    proto = tf.make_tensor_proto(np.arange(8, dtype=np.float32))
    proto.tensor_content = proto.tensor_content[:-3]
    with pytest.raises(ArtifactError, match="29 bytes, not the 32"):
        _opened(tmp_path, {"made": proto}).read("made")
