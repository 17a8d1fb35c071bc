"""MetaGraphs: tensors with shapes, variables and collections as their writer had them."""

from collections import Counter

import pytest
from google.protobuf import text_format
from graph_files import META_GRAPH, described, expected
from tensorboard.compat.proto import meta_graph_pb2

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.collection_items import QueueRunnerDef
from tfinspect.artifacts.variable_defs import VariableDef
from tfinspect.errors import ArtifactError


@pytest.fixture(scope="module")
def artifact():
    return open_artifact(META_GRAPH)


def test_ops_are_counted_as_their_writer_did(artifact):
    assert Counter(op.op_type for op in artifact.ops) == expected(META_GRAPH)["ops_by_type"]


def test_tensors_with_dtypes_and_shapes_are_their_writers(artifact):
    wanted = expected(META_GRAPH)
    found = {
        tensor.name: described(tensor)
        for tensor in artifact.tensors
        if tensor.name.startswith(wanted["scope"])
    }
    assert found == {tensor["name"]: tensor for tensor in wanted["tensors_under_scope"]}


def test_collections_have_their_writers_items(artifact):
    wanted = expected(META_GRAPH)["collections"]
    assert set(artifact.collections) == set(wanted)
    for name, collection in wanted.items():
        items = artifact.collections[name]
        assert len(items) == collection["count"], name
        if "variable_names" in collection:
            assert [f"{item.name}:0" for item in items] == collection["variable_names"]
        elif collection["values"] is not None:
            plain = [item.decode() if isinstance(item, bytes) else item for item in items]
            assert plain == collection["values"], name


def test_parts_of_variables_say_where_they_belong(artifact):
    wanted = expected(META_GRAPH)["collections"]["model_variables"]["slices"]
    parts = [item for item in artifact.collections["model_variables"] if item.full_name]
    assert [(f"{part.name}:0", part.full_name, list(part.full_shape)) for part in parts] == [
        (one["variable"], one["full_name"], one["full_shape"]) for one in wanted
    ]
    assert [list(part.offset) for part in parts] == [one["offset"] for one in wanted]


def test_partitioned_variable_is_listed_whole_with_its_collections(artifact):
    entry = artifact.entry("tower_0/conv2/weights")
    assert entry.shape == (3, 3, 8, 12)
    assert entry.trainable is True
    assert entry.collections == ("model_variables", "trainable_variables", "variables")


def test_what_is_trainable_comes_from_the_collection(artifact):
    names = expected(META_GRAPH)["collections"]["trainable_variables"]["variable_names"]
    trainable = {entry.name for entry in artifact.variables if entry.trainable}
    assert trainable == {name.removesuffix(":0").split("/part_")[0] for name in names}


def test_slots_are_marked(artifact):
    slots = {entry.name for entry in artifact.variables if entry.slot}
    assert "tower_0/conv1/weights/Adam_1" in slots
    assert "beta1_power" in slots
    assert "tower_0/conv1/weights" not in slots


def _described():
    meta = meta_graph_pb2.MetaGraphDef()
    meta.ParseFromString(META_GRAPH.read_bytes())
    return meta


def test_text_is_read_like_the_binary(artifact, tmp_path):
    (tmp_path / "model.meta").write_text(text_format.MessageToString(_described()))
    text = open_artifact(tmp_path / "model.meta")
    assert text.kind == "MetaGraph (text)"
    assert text.ops == artifact.ops
    assert text.collections == artifact.collections


def test_queue_runner_is_decoded(tmp_path):
    meta = meta_graph_pb2.MetaGraphDef()
    meta.graph_def.node.add(name="queue", op="FIFOQueueV2")
    # queue_runner.proto: names of the queue, two enqueue ops, the close and the cancel op.
    packed = b"\x0a\x05queue\x12\x03in1\x12\x03in2\x1a\x05close\x22\x06cancel"
    meta.collection_def["queue_runners"].bytes_list.value.append(packed)
    (tmp_path / "queue.meta").write_bytes(meta.SerializeToString())
    (runner,) = open_artifact(tmp_path / "queue.meta").collections["queue_runners"]
    assert runner == QueueRunnerDef("queue", ("in1", "in2"), "close", "cancel")


def test_item_that_is_no_variable_stays_bytes(tmp_path):
    meta = meta_graph_pb2.MetaGraphDef()
    meta.graph_def.node.add(name="nothing", op="NoOp")
    meta.collection_def["variables"].bytes_list.value.append(b"\xff\xff")
    meta.collection_def["mine"].bytes_list.value.append(b"\x0a\x01a")
    (tmp_path / "mine.meta").write_bytes(meta.SerializeToString())
    collections = open_artifact(tmp_path / "mine.meta").collections
    assert collections == {"mine": (b"\x0a\x01a",), "variables": (b"\xff\xff",)}


def test_variable_def_in_a_users_collection_is_decoded(tmp_path):
    meta = _described()
    stored = meta.collection_def["model_variables"].bytes_list.value[0]
    meta.collection_def["mine"].bytes_list.value.append(stored)
    (tmp_path / "mine.meta").write_bytes(meta.SerializeToString())
    (item,) = open_artifact(tmp_path / "mine.meta").collections["mine"]
    assert isinstance(item, VariableDef)
    assert item.name == "tower_0/conv1/weights"


def test_value_is_refused_with_the_way_to_it(artifact):
    with pytest.raises(ArtifactError, match="open the checkpoint that belongs to it"):
        artifact.read("tower_0/conv1/weights")
