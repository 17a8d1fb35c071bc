"""GraphDef files: what is in them, values of frozen constants, and files that are none."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from graph_files import (
    FROZEN,
    GRAPH,
    GRAPH_TEXT,
    META_GRAPH,
    TF2_SAVED_MODEL,
    described,
    expected,
    written,
)
from tensorboard.compat.proto import graph_pb2, types_pb2

from tfinspect.artifacts import graph_ops, open_artifact
from tfinspect.artifacts.graph_file import LARGEST_TEXT
from tfinspect.errors import ArtifactError


@pytest.mark.parametrize("path", [GRAPH, GRAPH_TEXT, FROZEN], ids=lambda path: path.name)
def test_ops_are_counted_as_their_writer_did(path):
    types = Counter(op.op_type for op in open_artifact(path).ops)
    assert types == expected(path)["ops_by_type"]


@pytest.mark.parametrize("path", [GRAPH, GRAPH_TEXT, FROZEN], ids=lambda path: path.name)
def test_names_and_dtypes_of_tensors_are_their_writers(path):
    wanted = expected(path)
    found = [
        described(tensor) | {"shape": None}
        for tensor in open_artifact(path).tensors
        if tensor.name.startswith(wanted["scope"])
    ]
    assert found == [tensor | {"shape": None} for tensor in wanted["tensors_under_scope"]]


@pytest.mark.parametrize("path", [GRAPH, FROZEN], ids=lambda path: path.name)
def test_shapes_that_the_file_has_are_right(path):
    wanted = {tensor["name"]: tensor["shape"] for tensor in expected(path)["tensors_under_scope"]}
    known = [tensor for tensor in open_artifact(path).tensors if tensor.shape is not None]
    assert sum(tensor.name in wanted for tensor in known) >= 6
    for tensor in known:
        assert list(tensor.shape) == wanted.get(tensor.name, list(tensor.shape)), tensor.name


def test_text_and_binary_are_read_alike():
    binary, text = open_artifact(GRAPH), open_artifact(GRAPH_TEXT)
    assert text.kind == "GraphDef (text)"
    assert text.ops == binary.ops
    assert text.variables == binary.variables


def test_variables_of_a_graph_are_described_and_not_readable():
    artifact = open_artifact(GRAPH)
    wanted = {found["name"]: tuple(found["shape"]) for found in expected(GRAPH)["variables"]}
    assert {entry.name: entry.shape for entry in artifact.variables} == wanted
    with pytest.raises(ArtifactError, match="holds no value; open the checkpoint"):
        artifact.read("tower_0/conv1/weights")


def test_every_frozen_constant_has_its_writers_value():
    artifact = open_artifact(FROZEN)
    for constant in expected(FROZEN)["constants"]:
        value = artifact.read(constant["name"])
        assert [list(value.shape), str(value.dtype)] == [constant["shape"], constant["dtype"]]
        found = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        assert found == constant["sha256"], constant["name"]


def test_weights_of_a_frozen_graph_are_its_variables():
    names = {entry.name for entry in open_artifact(FROZEN).variables}
    assert "tower_0/conv1/BatchNorm/gamma" in names
    assert "tower_0/logits/reduction_indices" not in names


def test_constants_that_are_not_listed_are_counted():
    artifact = open_artifact(FROZEN)
    listed = {entry.name for entry in artifact.variables}
    known = [c for c in expected(FROZEN)["constants"] if c["shape"]]
    left = [constant for constant in known if constant["name"] not in listed]
    assert left
    assert artifact.left_out.startswith(f"{len(left)} constant")
    assert all(constant["dtype"] in artifact.left_out for constant in left)


def test_value_is_mapped_not_copied():
    value = open_artifact(FROZEN).read("tower_0/conv1/weights")
    assert not value.flags.writeable
    assert value.base is not None


def test_constant_is_read_by_its_tensors_name():
    artifact = open_artifact(FROZEN)
    np.testing.assert_array_equal(artifact.read("tower_0/logits/reduction_indices:0"), [1, 2])


def test_op_of_an_unknown_type_is_listed_with_a_note(tmp_path):
    artifact = open_artifact(written(tmp_path, [("made", "NobodysOp", [])]))
    (tensor,) = artifact.tensors
    assert (tensor.name, tensor.dtype, tensor.shape) == ("made:0", "unknown", None)
    assert "NobodysOp" in artifact.notes[0]


def test_empty_shape_of_an_old_placeholder_is_unknown(tmp_path):
    shapes = {}
    for producer in (23, 24):
        graph = graph_pb2.GraphDef()
        graph.versions.producer = producer
        graph.node.add(name="images", op="Placeholder").attr["shape"].shape.SetInParent()
        (tmp_path / "old.pb").write_bytes(graph.SerializeToString())
        shapes[producer] = open_artifact(tmp_path / "old.pb").tensors[0].shape
    assert shapes == {23: None, 24: ()}


def test_meta_graph_under_a_graphs_name_is_opened_as_one(tmp_path):
    (tmp_path / "model.pb").write_bytes(META_GRAPH.read_bytes())
    assert open_artifact(tmp_path / "model.pb").kind == "MetaGraph"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x08\x01\x12\x00", "SavedModel under another name"),
        (b"\x08\x01" * 50, "holds no GraphDef"),
        ((TF2_SAVED_MODEL / "fingerprint.pb").read_bytes(), "holds no GraphDef"),
        ((TF2_SAVED_MODEL / "keras_metadata.pb").read_bytes(), "holds no GraphDef"),
        (b"item {\n  id: 1\n  name: 'cat'\n}\n", "a text that begins with 'item'"),
        (b"node { name: 'a' op: 'NoOp' nonsense: 1 }", "no valid text of a GraphDef"),
        (b"node { name: 'a'", "no valid text of a GraphDef"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "holds no GraphDef"),
        (bytes(range(7, 200)), "holds no GraphDef"),
        (b"\x0a\x0b\x0a\x03abc\x12\x04NoOp\x0a\x09", "broken"),
    ],
)
def test_file_without_a_graph_is_refused(tmp_path, content, message):
    path = tmp_path / "graph.pb"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=message) as caught:
        open_artifact(path).ops  # noqa: B018 - the property reads the file
    assert str(path) in str(caught.value)


def test_graph_without_nodes_is_one(tmp_path):
    (tmp_path / "empty.pb").write_bytes(
        graph_pb2.GraphDef(versions={"producer": 5}).SerializeToString()
    )
    assert open_artifact(tmp_path / "empty.pb").tensors == ()


def test_broken_node_is_named_by_its_place(tmp_path):
    data = bytearray(FROZEN.read_bytes())
    data[40:80] = b"\xff" * 40
    (tmp_path / "broken.pb").write_bytes(data)
    with pytest.raises(ArtifactError, match=r"broken\.pb' .*byte"):
        open_artifact(tmp_path / "broken.pb").ops  # noqa: B018


def test_huge_text_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "graph.pbtxt"
    with path.open("wb") as stream:
        stream.write(b"node { name: 'a' op: 'NoOp' }\n" * 100)
        stream.truncate(LARGEST_TEXT * 32)
    with pytest.raises(ArtifactError, match="binary form"):
        open_artifact(path)


def test_deeply_nested_text_is_refused(tmp_path):
    deep = "func { attr { key: 'a' value { " * 5000
    text = "node { name: 'a' op: 'NoOp' attr { key: 'a' value { " + deep
    (tmp_path / "deep.pbtxt").write_text(text)
    with pytest.raises(ArtifactError, match=r"nested too deeply|no valid text"):
        open_artifact(tmp_path / "deep.pbtxt")


def test_few_bytes_cannot_declare_many_tensors(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_ops, "MOST_TENSORS", 1000)
    graph = graph_pb2.GraphDef()
    for number in range(20):
        graph.node.add(name=f"split{number}", op="Split").attr["num_split"].i = 100
    (tmp_path / "bomb.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ArtifactError, match="outputs"):
        open_artifact(tmp_path / "bomb.pb").tensors  # noqa: B018


def test_impossible_number_of_outputs_is_refused(tmp_path):
    graph = graph_pb2.GraphDef()
    graph.node.add(name="split", op="Split").attr["num_split"].i = 10**9
    (tmp_path / "bomb.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ArtifactError, match=r"'split' is broken: .*1,000,000,000 outputs"):
        open_artifact(tmp_path / "bomb.pb").tensors  # noqa: B018


def test_text_of_many_small_messages_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "graph.pbtxt"
    path.write_bytes(b"node{}\n" * (1 << 20))
    with pytest.raises(ArtifactError, match="is a text of 1,048,576 messages, more than 524,288"):
        open_artifact(path)


@pytest.mark.parametrize("place", ["\u00b2", "-1", "9" * 5000, " 1"])
def test_function_input_with_an_impossible_output_is_kept_as_it_is(tmp_path, place):
    graph = graph_pb2.GraphDef()
    function = graph.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="a", op="NoOp").input.append(f"b:out:{place}")
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    (op,) = open_artifact(tmp_path / "graph.pb").ops
    assert op.inputs == (f"b:out:{place}",)


def _add_op_of_its_name(graph, constant):
    graph.node.add(name=constant.name, op="Identity", attr={"T": constant.attr["dtype"]})


def _note_another_shape(graph, constant):
    del graph
    constant.attr["_output_shapes"].list.shape.add().dim.add(size=48)


@pytest.mark.parametrize("change", [_add_op_of_its_name, _note_another_shape])
def test_constant_has_the_shape_of_its_value_whatever_else_a_graph_says(change, tmp_path):
    graph = graph_pb2.GraphDef.FromString(FROZEN.read_bytes())
    constant = next(node for node in graph.node if node.op == "Const" and "weights" in node.name)
    change(graph, constant)
    (tmp_path / "changed.pb").write_bytes(graph.SerializeToString())
    artifact = open_artifact(tmp_path / "changed.pb")
    assert artifact.entry(constant.name).shape == artifact.read(constant.name).shape


def test_constant_of_another_type_than_its_op_is_refused(tmp_path):
    graph = graph_pb2.GraphDef.FromString(FROZEN.read_bytes())
    constant = next(node for node in graph.node if node.op == "Const" and "weights" in node.name)
    constant.attr["value"].tensor.dtype = types_pb2.DT_INT32
    (tmp_path / "typed.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ArtifactError, match="its value is a int32, and the op makes a float32"):
        open_artifact(tmp_path / "typed.pb").read(constant.name)
