"""Features of the frozen part, then the head: the whole network's own logits."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.nets.registry import get_spec
from tfinspect.transfer.boundary import cut
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.stages import EVERYTHING, Stage
from tfinspect.transfer.tuned_model import TunedModel


def tuned(name, scopes, size=32):
    model = TunedModel(get_spec(name).without_aux().with_image_size(size), 3)
    model.begin(Stage("stage", scopes, 1, 0.1))
    return model


@pytest.fixture
def images():
    pixels = np.random.RandomState(0).uniform(-1, 1, (2, 32, 32, 3))
    return tf.constant(pixels.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("cifar_resnet8_v1", ("resnet/logits",)),
        ("cifar_resnet8_v2", ("resnet/stage3", "resnet/postnorm", "resnet/logits")),
        ("mobilenet_v1_025", ("MobilenetV1/Logits",)),
    ],
)
def test_features_and_head_give_the_networks_logits(name, scopes, images):
    model = tuned(name, scopes)
    network = cut(model)
    head = HeadModel(model, network)
    features = tuple(network.features(images))
    expected = model(images, training=False).numpy()
    np.testing.assert_allclose(head(features).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_features_come_before_the_dropout():
    model = tuned("mobilenet_v1_025", ("MobilenetV1/Logits",))
    (features,) = cut(model).features(tf.zeros([1, *model.spec.image_shape]))
    assert features.shape == (1, 1, 1, 256)


def test_head_trains_the_networks_own_variables(images):
    model = tuned("cifar_resnet8_v1", ("resnet/logits",))
    network = cut(model)
    head = HeadModel(model, network)
    head.compile("sgd", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.variables_by_name()["resnet/logits/biases"].numpy()
    head.train_on_batch(network.features(images)[0], np.array([0, 2]))
    assert not np.array_equal(model.variables_by_name()["resnet/logits/biases"].numpy(), before)


def test_network_that_is_trained_whole_has_no_fixed_features():
    assert cut(tuned("cifar_resnet8_v1", EVERYTHING)) is None


def test_statistics_that_adapt_need_every_image():
    model = TunedModel(get_spec("cifar_resnet8_v1"), 3, adapts=True)
    model.begin(Stage("head", ("resnet/logits",), 1, 0.1))
    assert cut(model) is None


@pytest.mark.parametrize("name", ["cifar_resnet8_v1", "cifar_resnet8_v2"])
def test_step_on_features_is_the_step_on_images_with_its_moving_statistics(name, images):
    scopes = ("resnet/stage3", "resnet/logits")
    changed = []
    for on_features in (True, False):
        model = tuned(name, scopes)
        network = cut(model)
        fitted = HeadModel(model, network) if on_features else model
        inputs = network.features(images) if on_features else images
        fitted.compile("sgd", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        before = {key: one.numpy() for key, one in model.variables_by_name().items()}
        fitted.train_on_batch(tuple(inputs) if on_features else inputs, np.array([0, 2]))
        after = {key: one.numpy() for key, one in model.variables_by_name().items()}
        changed.append({key: after[key] - before[key] for key in after})
    of_features, of_images = changed
    moving = [key for key in of_images if key.startswith(scopes) and "/moving_" in key]
    assert moving
    assert all(np.any(of_images[key]) for key in moving)
    for key in of_images:
        np.testing.assert_allclose(of_features[key], of_images[key], rtol=1e-4, atol=1e-6)
