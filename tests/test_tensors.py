"""`list_tensors` on files and on live objects; shapes by TensorFlow's own inference."""

import keras
import pytest
import tensorflow as tf
import tf_keras
from graph_files import FROZEN, GRAPH, META_GRAPH, TF2_SAVED_MODEL, described, expected, written
from oracle_files import CKPT_V2
from tensorboard.compat.proto import graph_pb2

import tfinspect
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.graph_listing import TensorCriteria


@pytest.mark.parametrize("path", [GRAPH, FROZEN], ids=lambda path: path.name)
def test_inferred_shapes_are_those_the_writer_knew(path):
    wanted = expected(path)
    found = tfinspect.list_tensors(path, scope=wanted["scope"], shapes=True)
    assert [described(tensor) for tensor in found] == wanted["tensors_under_scope"]


def test_shapes_are_inferred_in_functions_too():
    function = "__inference__wrapped_model_3815"
    criteria = TensorCriteria(function=function)
    found = tfinspect.list_tensors(
        TF2_SAVED_MODEL, op_type="FusedBatchNormV3", criteria=criteria, shapes=True
    )
    assert found[0].shape == (None, 6, 6, 6)


def test_graph_that_tensorflow_refuses_is_named(tmp_path):
    path = written(tmp_path, [("made", "NobodysOp", [])])
    with pytest.raises(ArtifactError, match=r"cannot infer the shapes .*without --shapes"):
        tfinspect.list_tensors(path, shapes=True)


def test_artifact_without_a_graph_is_refused():
    with pytest.raises(ArtifactError, match="holds no graph, only variables"):
        tfinspect.list_tensors(CKPT_V2)


def test_opened_artifact_is_taken():
    artifact = tfinspect.open_artifact(META_GRAPH)
    (tensor,) = tfinspect.list_tensors(artifact, match="^tower_0/conv1/Relu:0$")
    assert tensor.shape == (None, 8, 8, 8)


def test_shortcuts_are_added_to_the_criteria():
    criteria = TensorCriteria(op_types=("Conv2D",))
    found = tfinspect.list_tensors(FROZEN, op_type="Relu", criteria=criteria)
    assert {tensor.op_type for tensor in found} == {"Conv2D", "Relu"}


def _as_tensorflow(graph):
    return [
        (tensor.name, op.type, tensor.dtype.base_dtype.name)
        for op in graph.get_operations()
        for tensor in op.outputs
    ]


def _as_listed(tensors, function=None):
    return [
        (tensor.name, tensor.op_type, tensor.dtype)
        for tensor in tensors
        if tensor.function == function
    ]


def test_live_graph_is_listed_as_it_is():
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 8], "images")
        tf.split(images, 2, 1, name="halves")
    found = tfinspect.list_tensors(graph)
    assert _as_listed(found) == _as_tensorflow(graph)
    assert found[-1].shape == (None, 4)


def test_concrete_function_is_listed():
    traced = tf.function(lambda x: tf.nn.relu(x)).get_concrete_function(tf.TensorSpec([2]))
    assert [tensor.shape for tensor in tfinspect.list_tensors(traced, op_type="Relu")] == [(2,)]


def test_keras_models_are_traced():
    for package in (tf_keras, keras):
        inputs = package.Input((4,), name="features")
        model = package.Model(inputs, package.layers.Dense(3, name="logits")(inputs))
        (tensor,) = tfinspect.list_tensors(model, op_type="MatMul")
        assert tensor.shape == (None, 3)
        fed = tfinspect.list_tensors(model, criteria=TensorCriteria(placeholders=True))
        assert [tensor.name for tensor in fed] == ["features:0"]


def test_slim_network_has_exactly_its_own_scopes():
    model = tfinspect.load_model("cifar_resnet8_v1")
    found = tfinspect.list_tensors(model, op_type="Conv2D")
    assert len(found) == 7
    assert all(tensor.name.startswith("resnet/") for tensor in found)


def test_object_without_a_graph_is_refused():
    with pytest.raises(ArtifactError, match="a int has no graph"):
        tfinspect.list_tensors(3)


def test_unknown_scope_is_refused():
    with pytest.raises(ConfigError, match="nearest: 'tower_0/conv1'"):
        tfinspect.list_tensors(FROZEN, scope="tower_0/convv1")


def test_tensor_of_a_live_graph_is_got_by_name():
    with tf.Graph().as_default() as graph:
        made = tf.split(tf.zeros([4, 2]), 2, name="net/halves")
    assert tfinspect.get_tensor(graph, "net/halves:1") is made[1]


def test_tensor_of_a_network_is_got_by_name():
    model = tfinspect.load_model("cifar_resnet8_v1")
    found = tfinspect.get_tensor(model, "resnet/stage1/unit1/Relu:0")
    assert found.op.type == "Relu"
    assert found.graph.get_tensor_by_name("images:0").shape == (None, 32, 32, 3)


def test_value_of_a_live_keras_variable_is_got_by_its_name():
    model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,), name="logits")])
    found = tfinspect.get_tensor(model, "logits/kernel")
    assert (found.numpy() == model.layers[0].kernel.numpy()).all()


@pytest.mark.parametrize(
    "name",
    [
        "net/halves:2",
        "net/halves:-1",
        "net/halves: 1",
        "net/halves:0_1",
        "net/halves",
        "net/half:0",
    ],
)
def test_unknown_tensor_of_a_live_graph_is_refused(name):
    with tf.Graph().as_default() as graph:
        tf.split(tf.zeros([4, 2]), 2, name="net/halves")
    with pytest.raises(ArtifactError, match=f"no tensor '{name}' in this Graph; nearest: 'net/h"):
        tfinspect.get_tensor(graph, name)


def test_stored_value_is_got_by_name():
    stored = tfinspect.get_tensor(CKPT_V2, "tower_0/conv3/weights")
    frozen = tfinspect.get_tensor(FROZEN, "tower_0/conv3/weights:0")
    assert (stored.shape, frozen.shape) == ((1, 1, 12, 5), (1, 1, 12, 5))


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        (FROZEN, "tower_0/conv1/Relu:0", r"is computed when the graph runs: .*load_model\("),
        (FROZEN, "tower_0/conv1/Reluu:0", "no tensor .* nearest: 'tower_0/conv1/Relu:0'"),
        (META_GRAPH, "tower_0/conv1/weights:0", "is a variable: .* holds no value; .* checkpoint"),
        (CKPT_V2, "tower_0/conv3/weight", "nearest: 'tower_0/conv3/weights'"),
    ],
)
def test_tensor_without_a_stored_value_is_refused(path, name, message):
    with pytest.raises(ArtifactError, match=message):
        tfinspect.get_tensor(path, name)


def test_function_argument_of_a_type_that_does_not_exist_is_refused(tmp_path):
    graph = graph_pb2.GraphDef()
    graph.node.add(name="a", op="NoOp")
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="x", type=9999)
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ArtifactError, match=r"cannot infer the shapes .*without --shapes"):
        tfinspect.list_tensors(tmp_path / "graph.pb", shapes=True)


@pytest.mark.parametrize("place", ["\u00b2", "-1", "1" * 5000])
def test_output_that_is_no_number_is_refused(place):
    with pytest.raises(ConfigError, match="no op or tensor"):
        tfinspect.list_tensors(GRAPH, criteria=TensorCriteria(inputs_of=f"{_an_op()}:{place}"))


def _an_op():
    return tfinspect.list_tensors(GRAPH)[0].op


def test_variable_of_a_live_graph_has_no_value_outside_a_session():
    with tf.Graph().as_default() as graph, tf.compat.v1.variable_scope("s"):
        tf.compat.v1.get_variable("w", [2, 3], use_resource=True)
    with pytest.raises(ArtifactError, match="'s/w' is a variable of this Graph"):
        tfinspect.get_tensor(graph, "s/w")
    assert tfinspect.get_tensor(graph, "s/w/Read/ReadVariableOp:0").shape == (2, 3)
