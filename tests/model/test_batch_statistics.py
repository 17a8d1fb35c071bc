"""Models in training mode: they use their moving averages, or are refused; none mixes images."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfinspect.errors import ConfigError
from tfinspect.model import load_model

FAMILIES = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
IMAGES = np.random.RandomState(0).normal(size=(4, 8, 8, 3)).astype(np.float32)
SPEC = tf.TensorSpec([None, 8, 8, 3], tf.float32)


def network(package, layer):
    """A network with one normalization between a convolution and its classes."""
    layers = package.layers
    inputs = layers.Input((8, 8, 3))
    hidden = layers.ReLU()(layer(layers.Conv2D(4, 3)(inputs)))
    live = package.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(hidden)))
    random = np.random.RandomState(1)
    layer.set_weights([0.5 + random.rand(*value.shape) for value in layer.get_weights()])
    return live


def function(live, training=True):
    return tf.function(lambda images: live(images, training=training)).get_concrete_function(SPEC)


def saved(directory, live, training=True):
    module = tf.Module()
    module.weights = [getattr(one, "value", one) for one in live.weights]
    if not isinstance(module.weights[0], tf.Variable):
        module.weights = live.weights
    called = tf.function(lambda images: {"logits": live(images, training=training)})
    tf.saved_model.save(module, str(directory), signatures=called.get_concrete_function(SPEC))
    return directory


@FAMILIES
@pytest.mark.parametrize("stored", [False, True], ids=["live", "saved"])
def test_batch_normalization_in_training_uses_its_moving_averages(package, stored, tmp_path):
    live = network(package, package.layers.BatchNormalization())
    model = load_model(saved(tmp_path / "model", live) if stored else function(live))
    expected = np.asarray(live(IMAGES, training=False))
    np.testing.assert_allclose(model.logits(IMAGES), expected, atol=1e-5)
    assert any("by moving averages" in note for note in model.notes)


@FAMILIES
@pytest.mark.parametrize("stored", [False, True], ids=["live", "saved"])
def test_layer_normalization_is_no_statistics_of_the_batch(package, stored, tmp_path):
    live = network(package, package.layers.LayerNormalization())
    source = saved(tmp_path / "model", live, False) if stored else function(live, False)
    model = load_model(source)
    np.testing.assert_allclose(model.logits(IMAGES), np.asarray(live(IMAGES)), atol=1e-5)
    assert model.notes == ()


def concrete(called, batch=None):
    return tf.function(called).get_concrete_function(tf.TensorSpec([batch, 8, 8, 3], tf.float32))


def by_batch_mean(images):
    return tf.reduce_sum(images - tf.reduce_mean(images, [0, 1, 2]), [1, 2])


def by_rows(images):
    rows = tf.reshape(images, [-1, 192])
    return rows / tf.reduce_max(rows, 0, keepdims=True)


@pytest.mark.parametrize("called", [by_batch_mean, by_rows])
@pytest.mark.parametrize("batch", [None, 4])
def test_what_computes_over_the_batch_is_refused(called, batch):
    with pytest.raises(ConfigError, match="computes over all images of the batch"):
        load_model(concrete(called, batch))


def test_a_batch_of_one_mixes_nothing():
    model = load_model(concrete(by_batch_mean, 1))
    expected = [by_batch_mean(image[None])[0] for image in IMAGES]
    np.testing.assert_allclose(model.logits(IMAGES), expected, atol=1e-5)


def test_a_keras_model_with_batch_statistics_built_in_is_refused():
    layers = tf_keras.layers
    inputs = layers.Input((8, 8, 3))
    hidden = layers.BatchNormalization()(inputs, training=True)
    live = tf_keras.Model(inputs, layers.GlobalAveragePooling2D()(hidden))
    with pytest.raises(ConfigError, match=r"FusedBatchNormV3\) of .* computes over all images"):
        load_model(live).logits(IMAGES)
