"""SavedModels of TensorFlow 1 and 2: variables, signatures, functions, assets; and broken ones."""

import hashlib
import shutil
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from graph_files import META_GRAPH, TF1_SAVED_MODEL, TF2_SAVED_MODEL, described, expected
from table_writer import field
from tensorboard.compat.proto import meta_graph_pb2

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.graph_ops import ARGUMENT
from tfinspect.errors import ArtifactError

BOTH = pytest.mark.parametrize("path", [TF1_SAVED_MODEL, TF2_SAVED_MODEL], ids=lambda p: p.name)


@BOTH
def test_values_are_their_writers(path):
    artifact = open_artifact(path)
    wanted = {found["name"]: found.get("sha256") for found in expected(path)["variables"]}
    for entry in artifact.variables:
        value = np.ascontiguousarray(artifact.read(entry.name))
        assert hashlib.sha256(value.tobytes()).hexdigest() == wanted.pop(entry.key), entry.key
    assert set(wanted) <= {"_CHECKPOINTABLE_OBJECT_GRAPH"}


@BOTH
def test_signatures_are_their_writers(path):
    wanted = expected(path)["signatures"]
    for name, signature in open_artifact(path).signatures.items():
        for side in ("inputs", "outputs"):
            found = {tensor.key: tensor.name for tensor in getattr(signature, side)}
            assert found == wanted[name][side]


def test_signature_has_dtypes_and_shapes():
    signature = open_artifact(TF2_SAVED_MODEL).signatures["serving_default"]
    assert (signature.inputs[0].dtype, signature.inputs[0].shape) == ("float32", (None, 12, 12, 3))
    assert (signature.outputs[0].dtype, signature.outputs[0].shape) == ("float32", (None, 5))


def test_ops_of_graph_and_functions_are_counted_as_their_writer_did():
    artifact, wanted = open_artifact(TF2_SAVED_MODEL), expected(TF2_SAVED_MODEL)
    main = Counter(op.op_type for op in artifact.ops if op.function is None)
    inner = Counter(op.op_type for op in artifact.ops if op.function and op.op_type != ARGUMENT)
    assert (main, inner) == (
        wanted["ops_by_type_top_level"],
        wanted["ops_by_type_in_functions"],
    )
    assert len(artifact.functions) == wanted["functions"]


def test_tensors_of_a_tf1_model_are_their_writers():
    wanted = expected(TF1_SAVED_MODEL)
    found = [
        described(tensor)
        for tensor in open_artifact(TF1_SAVED_MODEL).tensors
        if tensor.name.startswith(wanted["scope"])
    ]
    assert sorted(found, key=str) == sorted(wanted["tensors_under_scope"], key=str)


def test_inputs_in_functions_are_tensor_names():
    ops = open_artifact(TF2_SAVED_MODEL).ops
    known = {(op.function, tensor.name) for op in ops for tensor in op.outputs}
    missing = [taken for op in ops for taken in op.inputs if (op.function, taken) not in known]
    assert missing == []


@pytest.mark.parametrize(
    ("path", "frozen"),
    [
        (TF1_SAVED_MODEL, {"tower_0/conv1/BatchNorm/moving_mean"}),
        (TF2_SAVED_MODEL, {"layer-2/moving_mean", "keras_api/metrics/0/count"}),
    ],
)
def test_what_is_trainable_is_known(path, frozen):
    trainable = {entry.name: entry.trainable for entry in open_artifact(path).variables}
    assert not any(trainable[name] for name in frozen)
    assert sum(trainable.values()) >= 7


def test_collections_of_a_partitioned_variable_are_those_of_its_parts():
    entry = open_artifact(TF1_SAVED_MODEL).entry("tower_0/conv2/weights")
    assert entry.collections == ("model_variables", "trainable_variables", "variables")


def test_asset_of_a_tf1_model_is_listed():
    assert open_artifact(TF1_SAVED_MODEL).assets == ("assets/labels.txt",)


def test_constant_is_read_from_the_graph():
    artifact = open_artifact(TF1_SAVED_MODEL)
    np.testing.assert_array_equal(artifact.read("tower_0/logits/reduction_indices"), [1, 2])


def _copied(path, directory):
    shutil.copytree(path, directory / "model")
    return directory / "model"


def test_missing_variables_are_noted_and_listed_as_the_graph_has_them(tmp_path):
    path = _copied(TF1_SAVED_MODEL, tmp_path)
    shutil.rmtree(path / "variables")
    shutil.rmtree(path / "assets")
    artifact = open_artifact(path)
    assert artifact.entry("tower_0/conv2/weights").shape == (3, 3, 8, 12)
    assert any("variables.index' is missing" in note for note in artifact.notes)
    assert any("'assets/labels.txt'" in note for note in artifact.notes)
    with pytest.raises(ArtifactError, match="holds no value"):
        artifact.read("tower_0/conv2/weights")


def _with_graphs(path, *metas):
    data = b"\x08\x01"
    for meta in metas:
        packed = meta.SerializeToString()
        size = b""
        length = len(packed)
        while length > 127:
            size += bytes([length & 127 | 128])
            length >>= 7
        data += b"\x12" + size + bytes([length]) + packed
    (path / "saved_model.pb").write_bytes(data)


def test_graph_with_the_tag_serve_is_chosen_and_others_are_noted(tmp_path):
    first, second = meta_graph_pb2.MetaGraphDef(), meta_graph_pb2.MetaGraphDef()
    first.meta_info_def.tags.extend(["serve", "tpu"])
    first.graph_def.node.add(name="tpu", op="NoOp")
    second.meta_info_def.tags.append("serve")
    second.graph_def.node.add(name="plain", op="NoOp")
    _with_graphs(tmp_path, first, second)
    artifact = open_artifact(tmp_path)
    assert [op.name for op in artifact.ops] == ["plain"]
    assert "serve tpu" in artifact.notes[0]


def test_text_saved_model_is_opened(tmp_path):
    text = (
        "saved_model_schema_version: 1 meta_graphs { graph_def { node { name: 'a' op: 'NoOp' } } }"
    )
    (tmp_path / "saved_model.pbtxt").write_text(text)
    artifact = open_artifact(tmp_path)
    assert artifact.kind == "TF1 SavedModel (text)"
    assert [op.name for op in artifact.ops] == ["a"]


def test_saved_model_without_a_graph_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(ArtifactError, match="holds no GraphDef, MetaGraphDef or SavedModel"):
        open_artifact(tmp_path)


def test_graph_in_chunks_is_refused_with_the_way_to_the_variables(tmp_path):
    (tmp_path / "saved_model.cpb").write_bytes(b"\x00")
    with pytest.raises(ArtifactError, match=r"chunks .*variables/variables'"):
        open_artifact(tmp_path)


def test_meta_graph_under_a_saved_models_name_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(META_GRAPH.read_bytes())
    with pytest.raises(ArtifactError, match="is a MetaGraphDef, no SavedModel"):
        open_artifact(tmp_path)


def _object_graph(tmp_path, children):
    meta = meta_graph_pb2.MetaGraphDef()
    meta.graph_def.node.add(name="a", op="NoOp")
    for node_children in children:
        node = meta.object_graph_def.nodes.add()
        node.variable.trainable = True
        for name, child in node_children:
            node.children.add(local_name=name, node_id=child)
    _with_graphs(tmp_path, meta)
    return open_artifact(tmp_path)


def test_cyclic_object_graph_ends(tmp_path):
    artifact = _object_graph(tmp_path, [[("next", 1)], [("back", 0), ("self", 1), ("out", 99)]])
    assert artifact.variables == ()


def test_long_chain_of_objects_takes_little_memory(tmp_path):
    chain = [[("child" * 20, number + 1)] for number in range(30_000)]
    artifact = _object_graph(tmp_path, chain)
    tracemalloc.start()
    try:
        assert artifact.variables == ()
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()


def test_asset_with_an_impossible_number_is_left_out(tmp_path):
    graph = meta_graph_pb2.MetaGraphDef()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.add(name="n", op="NoOp")
    for number in (-3, 0, 7):
        graph.object_graph_def.nodes.add().asset.asset_file_def_index = number
    data = graph.SerializeToString()
    (tmp_path / "saved_model.pb").write_bytes(field(1, 1) + field(2, data))
    assert open_artifact(tmp_path).assets == ()
