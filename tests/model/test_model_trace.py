"""Tensors of a traced model by name, from batches of any size."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.errors import ArtifactError, ConfigError, DataError
from tfinspect.model import load_model

IMAGES = np.random.RandomState(0).rand(5, 4, 4, 3).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    weights = tf.Variable(tf.ones([3, 2]), name="weights")

    def network(images):
        mean = tf.reduce_mean(images, [1, 2], name="mean")
        # The images are mixed beside the way to the logits.
        tf.add(tf.reduce_sum(mean, name="total"), tf.reduce_sum(weights, name="kernel"))
        return tf.matmul(mean, weights, name="product")

    return load_model(tf.function(network).get_concrete_function(tf.TensorSpec([None, 4, 4, 3])))


def test_values_are_put_together_from_all_batches(model):
    found = model.fetch(["mean:0", "product"], IMAGES, batch_size=2)
    np.testing.assert_allclose(found["mean:0"], IMAGES.mean((1, 2)), rtol=1e-5)
    assert found["product"].shape == (5, 2)


def test_what_does_not_depend_on_the_images_comes_once(model):
    assert model.fetch("kernel:0", IMAGES, batch_size=1)["kernel:0"] == 6


def test_a_mix_of_images_needs_one_batch(model):
    total = model.fetch("total:0", IMAGES)["total:0"]
    np.testing.assert_allclose(total, IMAGES.mean((1, 2)).sum(), rtol=1e-5)
    with pytest.raises(DataError, match="'total:0' does not count the images"):
        model.fetch("total:0", IMAGES, batch_size=2)


def test_an_unknown_name_is_refused_with_the_nearest(model):
    with pytest.raises(ArtifactError, match=r"no tensor and no end point 'produkt' .*'product:0'"):
        model.fetch("produkt", IMAGES)


def test_images_of_another_shape_are_refused(model):
    with pytest.raises(DataError, match=r"\[5, 4, 3\] are not \[N, 4, 4, 3\]"):
        model.fetch("mean:0", IMAGES[:, 0])


def test_the_trace_is_made_once(model):
    assert model.trace() is model.trace()
    assert model.trace().images.name == "images:0"


def test_a_plain_graph_cannot_hold_the_variables(model):
    with tf.Graph().as_default(), pytest.raises(ConfigError, match=r"a plain tf.Graph cannot hold"):
        model.build(tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3]))
