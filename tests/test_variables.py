"""`list_variables`: files and live objects, under the names that files are listed with."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from graph_files import FROZEN, META_GRAPH
from oracle_files import CKPT_V2

import tfinspect
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.listing import Criteria

v1 = tf.compat.v1


def _names(found):
    return [entry.name for entry in found]


def test_path_and_opened_artifact_are_listed_alike():
    wanted = _names(tfinspect.list_variables(CKPT_V2, scope="tower_0"))
    assert len(wanted) == 9
    assert _names(tfinspect.list_variables(str(CKPT_V2), match="^tower_0/")) == wanted
    opened = tfinspect.open_artifact(CKPT_V2)
    assert _names(tfinspect.list_variables(opened, criteria=Criteria(("tower_0",)))) == wanted


def test_collection_of_a_file_is_chosen():
    found = tfinspect.list_variables(META_GRAPH, collection="trainable_variables")
    assert "tower_0/conv1/weights" in _names(found)
    assert "global_step" not in _names(found)


def _graph():
    with tf.Graph().as_default() as graph:
        v1.get_variable("net/weights", [3, 4])
        v1.get_variable("net/step", [], tf.int64, trainable=False, use_resource=True)
        v1.get_variable("net/table", [6, 2], partitioner=v1.fixed_size_partitioner(2))
        v1.add_to_collection("mine", graph.get_collection("variables")[0])
    return graph


def test_graph_of_tensorflow_1_is_listed_as_its_meta_file(tmp_path):
    graph = _graph()
    with graph.as_default():
        v1.train.export_meta_graph(str(tmp_path / "m.meta"))
    listed = [entry.row() for entry in tfinspect.list_variables(graph)]
    assert listed == [entry.row() for entry in tfinspect.list_variables(tmp_path / "m.meta")]
    assert [row["name"] for row in listed] == ["net/weights", "net/step", "net/table"]


def test_collections_of_a_live_graph_are_chosen():
    graph = _graph()
    assert _names(tfinspect.list_variables(graph, collection="mine")) == ["net/weights"]
    trainable = tfinspect.list_variables(graph, collection="trainable_variables")
    assert _names(trainable) == ["net/weights", "net/table"]


def test_concrete_function_and_its_graph_list_what_they_use():
    weights = tf.Variable(tf.zeros([2, 3]), name="net/weights")
    shift = tf.Variable(tf.zeros([3]), trainable=False, name="net/shift")
    traced = tf.function(lambda x: x @ weights + shift).get_concrete_function(tf.TensorSpec([1, 2]))
    for live in (traced, traced.graph):
        found = {entry.name: entry for entry in tfinspect.list_variables(live)}
        assert set(found) == {"net/weights", "net/shift"}
        assert (found["net/weights"].shape, found["net/weights"].bytes) == ((2, 3), 24)
        assert found["net/shift"].trainable is False


def test_variables_of_one_name_are_numbered():
    held = [tf.Variable(0.0, name="w"), tf.Variable(0.0, name="w")]
    traced = tf.function(lambda: held[0] + held[1]).get_concrete_function()
    assert sorted(_names(tfinspect.list_variables(traced))) == ["w", "w_1"]


def _keras_model(package):
    """A model in a model, a wrapper, a recurrent layer and a frozen layer."""
    layers = package.layers
    tokens = package.Input((5, 4))
    steps = layers.Bidirectional(layers.LSTM(2, name="read", return_sequences=True), name="both")
    each = layers.TimeDistributed(layers.Dense(3, name="inner"), name="each")
    body = package.Model(tokens, each(steps(tokens)), name="body")
    given = package.Input((5, 4))
    norm = layers.BatchNormalization(name="norm", trainable=False)
    attention = layers.MultiHeadAttention(2, 3, name="look")
    seen = norm(body(given))
    head = layers.Dense(1, name="head")(attention(seen, seen))
    return package.Model(given, head, name="whole")


@pytest.fixture(scope="module", params=[tf_keras, keras], ids=["tf_keras", "Keras 3"])
def live_and_saved(request, tmp_path_factory):
    request.param.backend.clear_session()
    model = _keras_model(request.param)
    path = tmp_path_factory.mktemp("saved") / "m.keras"
    model.save(path)
    return model, path


def test_keras_model_is_listed_as_its_saved_file(live_and_saved):
    model, path = live_and_saved
    listed, stored = tfinspect.list_variables(model), tfinspect.list_variables(path)
    assert _names(listed) == _names(stored)
    assert [entry.trainable for entry in listed] == [entry.trainable for entry in stored]
    assert [entry.shape for entry in listed] == [entry.shape for entry in stored]


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_hdf5_file_of_a_keras_model_has_the_same_names(live_and_saved, tmp_path):
    model, path = live_and_saved
    model.save(tmp_path / "m.h5")
    listed, stored = tfinspect.list_variables(tmp_path / "m.h5"), tfinspect.list_variables(path)
    assert _names(listed) == _names(stored)
    assert [entry.trainable for entry in listed] == [entry.trainable for entry in stored]


def test_names_of_layers_lead_to_a_variable(live_and_saved):
    names = _names(tfinspect.list_variables(live_and_saved[0]))
    assert {"body/each/inner/kernel", "look/query/bias", "norm/gamma", "head/bias"} <= set(names)
    assert "body/both/backward_read/lstm_cell/recurrent_kernel" in names


def test_trainable_variables_of_a_keras_model_are_a_collection(live_and_saved):
    model, _ = live_and_saved
    found = tfinspect.list_variables(model, collection="trainable_variables")
    assert len(found) == len(model.trainable_weights)
    assert not [name for name in _names(found) if name.startswith("norm/")]


@pytest.mark.parametrize("package", [tf_keras, keras], ids=["tf_keras", "Keras 3"])
def test_optimizers_state_is_listed_when_asked_for(package):
    model = package.Sequential([package.Input((2,)), package.layers.Dense(1, name="head")])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    assert _names(tfinspect.list_variables(model)) == ["head/kernel", "head/bias"]
    found = tfinspect.list_variables(model, criteria=Criteria(optimizer=True))
    assert [entry.slot for entry in found][:2] == [False, False]
    assert all(entry.slot and entry.name.startswith("optimizer/") for entry in found[2:])


def test_custom_layers_with_weights_of_one_name_are_told_apart():
    class Twice(tf_keras.layers.Layer):
        def __init__(self):
            super().__init__(name="twice")
            self.held = [tf_keras.layers.Dense(2, name="same") for _ in range(2)]

        def call(self, inputs):
            return self.held[1](self.held[0](inputs))

    layer = Twice()
    layer(np.zeros((1, 2), np.float32))
    names = _names(tfinspect.list_variables(layer))
    assert len(set(names)) == len(names) == 4


def test_slim_network_and_model_have_slim_names():
    model = tfinspect.load_model("cifar_resnet8_v1")
    found = tfinspect.list_variables(model)
    assert _names(found) == list(model.variables)
    assert "resnet/conv1/weights" in _names(found)
    trainable = tfinspect.list_variables(
        model.keras_model, scope="resnet/stage1", collection="trainable_variables"
    )
    assert trainable
    assert not [name for name in _names(trainable) if "moving" in name]


def test_rows_of_live_variables_are_json():
    variable = tf.Variable(tf.zeros([2]), name="w")
    traced = tf.function(lambda: variable + 1).get_concrete_function()
    (row,) = [entry.row() for entry in tfinspect.list_variables(traced)]
    assert json.loads(json.dumps(row))["shape"] == [2]


def test_object_without_variables_is_refused():
    with pytest.raises(ArtifactError, match=r"a function has no variables; give a path"):
        tfinspect.list_variables(_graph)


def test_unknown_scope_of_a_live_object_is_refused():
    with pytest.raises(ConfigError, match="nearest: 'net/weights'"):
        tfinspect.list_variables(_graph(), scope="net/weight")


def test_live_frozen_graph_lists_the_constants_that_were_variables():
    graph_def = v1.GraphDef.FromString(tfinspect.open_artifact(FROZEN).graph_def())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    assert _names(tfinspect.list_variables(graph)) == _names(tfinspect.list_variables(FROZEN))
