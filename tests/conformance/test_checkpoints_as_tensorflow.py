"""Checkpoints as TensorFlow's own reader and the writers' memories have them, bit for bit."""

import hashlib

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from oracle_files import CHECKPOINTS, expected_variables

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.object_graph import GRAPH_KEY

VALUES = {
    "net/float32": np.float32([[1.5, -0.0, np.inf], [np.nan, 1e-40, -3]]),
    "net/float64": np.array(np.pi),
    "net/float16": np.float16([1, 2]),
    "net/bfloat16": np.array([1, -3.14, 65536], ml_dtypes.bfloat16),
    "net/float8": np.array([1, -2, 0.5], ml_dtypes.float8_e4m3fn),
    "net/other_float8": np.array([1, -2, 0.5], ml_dtypes.float8_e5m2),
    "net/int8": np.int8([-128, 127]),
    "net/uint32": np.uint32([2**32 - 1]),
    "net/uint64": np.uint64([2**64 - 1]),
    "net/complex": np.complex64([1 + 2j]),
    "net/bool": np.array([True, False]),
    "net/strings": np.array([b"", b"\xff\x00", b"long" * 100], object),
    "net/empty": np.zeros((0, 3), np.float32),
    "net/zeros": np.zeros((64, 256), np.float32),
}
# What the old format takes, zeros that snappy packs well among them.
V1_NAMES = ("net/float32", "net/float64", "net/int8", "net/strings", "net/empty", "net/zeros")


def _bits(value):
    return value.tolist() if value.dtype == object else (str(value.dtype), value.tobytes())


def _tensors(names):
    return [tf.constant(VALUES[name]) for name in names]


def _save(prefix, names, slices=None, tensors=None):
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(names),
        shape_and_slices=slices or [""] * len(names),
        tensors=tensors or _tensors(names),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Checkpoints of both formats by TensorFlow itself: whole, in two data files, packed."""
    place = tmp_path_factory.mktemp("written")
    _save(f"{place}/v2", list(VALUES))
    names = list(VALUES)
    _save(f"{place}/part0", names[:7])
    _save(f"{place}/part1", names[7:])
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[f"{place}/part0", f"{place}/part1"],
        destination_prefix=f"{place}/sharded",
        delete_old_dirs=False,
    )
    tf.raw_ops.Save(filename=f"{place}/v1", tensor_names=list(V1_NAMES), data=_tensors(V1_NAMES))
    return place


@pytest.mark.parametrize("name", ["v2", "sharded", "v1"])
def test_values_are_those_that_were_written(written, name):
    artifact = open_artifact(written / name)
    names = V1_NAMES if name == "v1" else VALUES
    assert {entry.name for entry in artifact.variables} == set(names)
    for entry in names:
        assert _bits(artifact.read(entry)) == _bits(VALUES[entry]), entry


@pytest.mark.parametrize("name", ["v2", "sharded", "v1"])
def test_listing_is_that_of_tensorflow(written, name):
    listed = {
        entry.name: (list(entry.shape), entry.dtype)
        for entry in open_artifact(written / name).variables
    }
    reader = tf.train.load_checkpoint(str(written / name))
    dtypes = reader.get_variable_to_dtype_map()
    shapes = reader.get_variable_to_shape_map()
    assert listed == {name: (shape, dtypes[name].name) for name, shape in shapes.items()}


def test_variables_know_their_data_file(written):
    shards = {entry.shard for entry in open_artifact(written / "sharded").variables}
    assert shards == {"sharded.data-00000-of-00002", "sharded.data-00001-of-00002"}


@pytest.mark.parametrize("prefix", CHECKPOINTS, ids=lambda prefix: prefix.parent.name)
def test_reference_checkpoint_is_as_it_was_in_memory(prefix):
    artifact, expected = open_artifact(prefix), expected_variables(prefix)
    expected.pop(GRAPH_KEY, None)
    assert {entry.key for entry in artifact.variables} == set(expected)
    for entry in artifact.variables:
        described = expected[entry.key]
        assert (list(entry.shape), entry.dtype) == (described["shape"], described["dtype"])
        hashed = _hashed(artifact.read(entry.key))
        digests = {described.get(name) for name in described if name.startswith("sha256")}
        assert digests == {hashed}, entry.key


def _hashed(value):
    if value.dtype == object:
        parts = (len(text).to_bytes(8, "little") + text for text in value.ravel())
        return hashlib.sha256(b"".join(parts)).hexdigest()
    return hashlib.sha256(value.tobytes()).hexdigest()


@pytest.mark.parametrize("prefix", CHECKPOINTS, ids=lambda prefix: prefix.parent.name)
def test_reference_checkpoint_is_as_tensorflow_reads_it(prefix):
    artifact, reader = open_artifact(prefix), tf.train.load_checkpoint(str(prefix))
    compared = 0
    for entry in artifact.variables:
        try:
            theirs = reader.get_tensor(entry.key)
        except tf.errors.OpError:
            # TensorFlow lists partitioned variables of the old format but does not read them.
            continue
        theirs = np.array(theirs, object) if entry.dtype == "string" else theirs
        assert _bits(artifact.read(entry.key)) == _bits(theirs), entry.key
        compared += 1
    assert compared > 20


def test_variant_is_listed_but_not_read(tmp_path):
    element = tf.raw_ops.EmptyTensorList(
        element_shape=tf.constant([], tf.int32), max_num_elements=1, element_dtype=tf.float32
    )
    _save(f"{tmp_path}/v", ["net/list"], tensors=[element])
    (found,) = open_artifact(tmp_path / "v").variables
    assert (found.name, found.dtype, found.readable) == ("net/list", "variant", False)


def test_keras_3_names_are_those_of_layers(tmp_path):
    import keras

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    prefix = tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(f"{tmp_path}/k")
    artifact = open_artifact(prefix)
    names = {entry.name for entry in artifact.variables if not entry.slot}
    assert names == {"model/layer-1/kernel", "model/layer-1/bias"}
    np.testing.assert_array_equal(artifact.read("model/layer-1/kernel"), model.layers[0].kernel)
