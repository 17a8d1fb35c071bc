"""Slim networks, Keras models of both families and functions, live."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfinspect.errors import ConfigError, DataError, NetworkError
from tfinspect.model import load_model
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

FAMILIES = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
IMAGES = np.random.RandomState(0).rand(3, 8, 8, 3).astype(np.float32)


def keras_model(package):
    layers = package.layers
    inputs = layers.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3, name="conv", activation="relu")(inputs)
    hidden = layers.BatchNormalization(name="norm")(hidden)
    hidden = layers.Dropout(0.5)(layers.Flatten()(hidden))
    return package.Model(inputs, layers.Dense(5, activation="softmax", name="classes")(hidden))


@pytest.fixture(scope="module")
def lives():
    return {
        package.__name__.partition(".")[0]: keras_model(package) for package in (keras, tf_keras)
    }


def tape_gradients(live, variables):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(live(IMAGES, training=False) ** 2)
    return tape.gradient(loss, variables)


@FAMILIES
def test_gradients_through_build_are_a_tapes(package, lives):
    live = lives[package.__name__]
    model = load_model(live)
    variables = [one for one in model.variables.values() if one.trainable]

    @tf.function
    def computed(images):
        loss = tf.reduce_sum(tf.nn.softmax(model.build(images).logits) ** 2)
        return tf.gradients(loss, variables)

    for found, expected in zip(
        computed(tf.constant(IMAGES)), tape_gradients(live, variables), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


@FAMILIES
def test_a_final_softmax_is_left_out_of_the_logits(package, lives):
    model = load_model(lives[package.__name__])
    np.testing.assert_allclose(model.predict(IMAGES), lives[package.__name__](IMAGES), atol=1e-6)
    assert model.trace().logits.op.type == "BiasAdd"


@FAMILIES
def test_layers_are_end_points_and_op_names_stay(package, lives):
    live = lives[package.__name__]
    model = load_model(live)
    names = [layer.name for layer in live.layers[1:]]
    assert list(model.trace().end_points) == names
    expected = package.Model(live.inputs[0], live.get_layer("norm").output)(IMAGES)
    np.testing.assert_allclose(model.fetch("norm", IMAGES)["norm"], expected, atol=1e-6)
    called = tf.function(lambda images: live(images, training=False))
    spec = tf.TensorSpec([None, 8, 8, 3], name="images")
    plain = {op.name for op in called.get_concrete_function(spec).graph.get_operations()}
    built = {op.name for op in model.trace().graph.get_operations()}
    assert plain ^ built <= {"Identity", "NoOp"}


def test_slim_networks_have_the_tapes_gradients():
    network = SlimModel(get_spec("cifar_resnet8_v1", width=0.25), 4)
    model = load_model(network)
    images = tf.constant(np.random.RandomState(1).rand(2, 32, 32, 3), tf.float32)
    variables = [one for one in model.variables.values() if one.trainable]
    computed = tf.function(
        lambda fed: tf.gradients(tf.reduce_sum(model.build(fed).logits ** 2), variables)
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(images) ** 2)
    for found, expected in zip(computed(images), tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def concrete(live, batch=None):
    function = tf.function(lambda images: live(images, training=False))
    return function.get_concrete_function(tf.TensorSpec([batch, 8, 8, 3], name="images"))


def test_a_functions_variables_stay_the_ones_it_reads(lives):
    live = lives["tf_keras"]
    model = load_model(concrete(live))
    assert {id(one) for one in model.variables.values()} == {id(one) for one in live.variables}
    assert "conv/kernel" in model.variables
    np.testing.assert_allclose(model.predict(IMAGES), live(IMAGES), atol=1e-6)


def test_captured_constants_are_kept():
    shift = tf.constant(2.0) * 3
    function = tf.function(lambda images: tf.reduce_sum(images, [1, 2]) + shift)
    model = load_model(function.get_concrete_function(tf.TensorSpec([None, 8, 8, 3])))
    np.testing.assert_allclose(model.logits(IMAGES), IMAGES.sum((1, 2)) + 6, rtol=1e-5)


def test_a_fixed_batch_is_filled_up_and_repeated(lives):
    model = load_model(concrete(lives["keras"], batch=2))
    assert model.batch == 2
    np.testing.assert_allclose(model.predict(IMAGES), lives["keras"](IMAGES), atol=1e-6)
    assert model.logits(IMAGES[:0]).shape == (0, 5)


def test_a_function_without_a_signature_is_refused():
    with pytest.raises(ConfigError, match=r"the input of this tf.function is not known"):
        load_model(tf.function(lambda images: images))


@FAMILIES
def test_keras_models_that_take_no_images_are_refused(package):
    inputs = package.layers.Input((7,))
    with pytest.raises(NetworkError, match=r"not one batch of images \[N, H, W, C\]"):
        load_model(package.Model(inputs, package.layers.Dense(2)(inputs)))


@FAMILIES
def test_unbuilt_and_several_outputs_are_refused(package):
    with pytest.raises(NetworkError, match=r"the input shape of the Sequential .* is not known"):
        load_model(package.Sequential([package.layers.Dense(2)]))
    inputs = package.layers.Input((8, 8, 3))
    with pytest.raises(NetworkError, match="has 2 outputs"):
        load_model(package.Model(inputs, [inputs, package.layers.ReLU()(inputs)]))


def test_other_objects_and_arguments_that_do_not_fit_are_refused(lives):
    with pytest.raises(ConfigError, match="an object of the type list is no model"):
        load_model([])
    with pytest.raises(ConfigError, match="input_name= is for stored graphs"):
        load_model(lives["keras"], input_name="a:0")
    with pytest.raises(ConfigError, match="has its own classes and weights"):
        load_model(lives["keras"], num_classes=3)


def test_build_is_refused_outside_a_graph_and_for_other_sizes(lives):
    model = load_model(lives["keras"])
    with pytest.raises(ConfigError, match=r"call it inside a `tf.function`"):
        model.build(tf.constant(IMAGES))
    with tf.Graph().as_default(), pytest.raises(DataError, match=r"are not \[N, 8, 8, 3\]"):
        model.build(tf.compat.v1.placeholder(tf.float32, [None, 9, 8, 3]))


def test_labels_and_preprocessing_can_be_given(lives):
    model = load_model(lives["keras"], labels=list("abcde"), net="cifar_resnet20_v1")
    images = np.full((1, 8, 8, 3), 192, np.uint8)
    np.testing.assert_array_equal(model.preprocess(images), np.full((1, 8, 8, 3), 0.5))
    assert model.classify(images)[0][0].label in "abcde"
    wrong = load_model(lives["keras"], labels=["a", "b"])
    with pytest.raises(ConfigError, match="2 labels do not name the"):
        wrong.classify(images)


def test_without_labels_the_columns_are_numbered(lives):
    model = load_model(lives["keras"])
    assert model.labels is None
    images = np.full((2, 8, 8, 3), 9, np.uint8)
    assert {one.label for row in model.classify(images, 9) for one in row} == set("01234")
    np.testing.assert_array_equal(model.preprocess(images), images.astype(np.float32))
