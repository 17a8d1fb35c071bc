"""Stored graphs against the values and gradients of the graphs as TensorFlow runs them."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from graph_files import FROZEN, GRAPH, GRAPH_TEXT, META_GRAPH, TF1_SAVED_MODEL, TF2, TF2_SAVED_MODEL
from oracle_files import CKPT_V1, CKPT_V2, OBJECT_BASED, ORACLE, copied

from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model import load_model

TF1_IO = np.load(ORACLE / "tf1_artifacts/inference_io.npz")
TF2_IO = np.load(TF2 / "io.npz")
V1 = tf.compat.v1
SOURCES = {
    "saved-model": (TF1_SAVED_MODEL, None),
    "meta-graph": (META_GRAPH, CKPT_V2),
    "frozen": (FROZEN, None),
    "graph": (GRAPH, CKPT_V1),
    "text": (GRAPH_TEXT, CKPT_V2),
}


@pytest.fixture(scope="module")
def models():
    return {
        name: load_model(path, checkpoint=checkpoint and str(checkpoint))
        for name, (path, checkpoint) in SOURCES.items()
    }


@pytest.fixture(scope="module")
def tf2_model():
    return load_model(TF2_SAVED_MODEL)


@pytest.mark.parametrize("name", SOURCES)
def test_tensors_are_their_writers(models, name):
    names = [key.replace("__", "/") for key in TF1_IO.files if "__" in key]
    found = models[name].fetch(names, TF1_IO["input"], batch_size=1)
    for tensor, value in found.items():
        expected = TF1_IO[tensor.replace("/", "__")]
        np.testing.assert_allclose(value, expected, atol=2e-6, err_msg=tensor)


@pytest.mark.parametrize("name", SOURCES)
def test_logits_come_before_the_softmax(models, name):
    np.testing.assert_allclose(models[name].logits(TF1_IO["input"]), TF1_IO["logits"], atol=1e-6)
    probabilities = models[name].predict(TF1_IO["input"])
    np.testing.assert_allclose(probabilities, TF1_IO["probabilities"], atol=1e-6)


def test_a_tf2_model_gives_its_writers_logits(tf2_model):
    found = tf2_model.logits(TF2_IO["input"])
    np.testing.assert_allclose(found, TF2_IO["tf_keras_logits"], atol=1e-6)


def test_ops_inside_functions_keep_their_names(tf2_model):
    found = tf2_model.fetch("small_net/relu1/Relu:0", TF2_IO["input"])
    assert found["small_net/relu1/Relu:0"].shape == (2, 6, 6, 6)
    types = {op.type for op in tf2_model.trace().graph.get_operations()}
    assert not {"PartitionedCall", "StatefulPartitionedCall"} & types


def gradients(model, images):
    """Returns variable name -> gradient of the squared logits' sum, through `build`."""
    names = [name for name, variable in model.variables.items() if variable.trainable]

    @tf.function
    def computed(fed):
        loss = tf.reduce_sum(model.build(fed).logits ** 2)
        return tf.gradients(loss, [model.variables[name] for name in names])

    return dict(zip(names, computed(tf.constant(images)), strict=True))


@pytest.fixture(scope="module")
def tf1_gradients():
    with tf.Graph().as_default() as graph, V1.Session() as session:
        V1.saved_model.load(session, ["serve"], str(TF1_SAVED_MODEL))
        loss = tf.reduce_sum(graph.get_tensor_by_name("tower_0/logits:0") ** 2)
        variables = V1.trainable_variables()
        found = session.run(tf.gradients(loss, variables), {"input:0": TF1_IO["input"]})
        return {one.op.name: value for one, value in zip(variables, found, strict=True)}


@pytest.mark.parametrize("name", SOURCES)
def test_gradients_are_the_original_graphs(models, tf1_gradients, name):
    found = gradients(models[name], TF1_IO["input"])
    assert found.keys() == tf1_gradients.keys()
    for variable, value in found.items():
        expected = tf1_gradients[variable]
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5, err_msg=variable)


def test_gradients_of_a_tf2_model_are_a_tapes_on_the_original(tf2_model):
    original = tf.saved_model.load(TF2_SAVED_MODEL)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(original(TF2_IO["input"], training=False) ** 2)
    variables = {one.name.removesuffix(":0"): one for one in original.trainable_variables}
    expected = tape.gradient(loss, variables)
    found = gradients(tf2_model, TF2_IO["input"])
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_tape_around_build_watches_the_variables(tf2_model):
    logits = tf.function(lambda images: tf2_model.build(images).logits)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(logits(tf.constant(TF2_IO["input"])) ** 2)
    kernel = tf2_model.variables["conv1/kernel"]
    expected = gradients(tf2_model, TF2_IO["input"])["conv1/kernel"]
    np.testing.assert_allclose(tape.gradient(loss, kernel), expected, rtol=1e-5)


def test_what_is_trainable_is_known(models, tf2_model):
    for model in (models["meta-graph"], models["frozen"], tf2_model):
        frozen = {name for name, one in model.variables.items() if not one.trainable}
        assert {name.rpartition("/")[2] for name in frozen} == {"moving_mean", "moving_variance"}


def test_partitioned_variables_are_cut_from_the_whole(models):
    for name in ("meta-graph", "graph"):
        parts = [models[name].variables[f"tower_0/conv2/weights/part_{n}"] for n in (0, 1)]
        assert [tuple(part.shape) for part in parts] == [(2, 3, 8, 12), (1, 3, 8, 12)]


def test_an_inner_tensor_can_take_the_images(tf2_model):
    inner = tf2_model.fetch("small_net/relu1/Relu:0", TF2_IO["input"])["small_net/relu1/Relu:0"]
    model = load_model(TF2_SAVED_MODEL, input_name="small_net/relu1/Relu:0")
    assert model.image_shape == (6, 6, 6)
    np.testing.assert_allclose(model.logits(inner), TF2_IO["tf_keras_logits"], atol=1e-6)


@pytest.mark.parametrize(
    ("path", "said", "text"),
    [
        (META_GRAPH, {}, "describes 61 variables and holds no values"),
        (GRAPH, {}, "describes 11 variables and holds no values"),
        (GRAPH, {"checkpoint": str(OBJECT_BASED)}, "no value of 'tower_0/conv1/weights'"),
        (OBJECT_BASED, {}, "holds weights without a network; name the network with net="),
    ],
    ids=str,
)
def test_missing_values_are_refused(path, said, text):
    with pytest.raises(ArtifactError, match=text):
        load_model(path, **said)


def test_an_unknown_signature_is_refused():
    with pytest.raises(ConfigError, match=r"no signature 'serve' .*'serving_default'"):
        load_model(TF2_SAVED_MODEL, signature="serve")


def test_graph_beside_the_weights_is_named(tmp_path):
    prefix = copied(CKPT_V2, tmp_path)
    shutil.copy(META_GRAPH, f"{prefix}.meta")
    with pytest.raises(ArtifactError, match=f"or give '{prefix}.meta', the graph beside them"):
        load_model(str(prefix))
