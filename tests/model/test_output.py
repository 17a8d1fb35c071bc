"""What stands behind a Softmax, and what is no softmax at all, against the models themselves."""

import keras
import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.model import load_model
from tfinspect.probe.attribution import explain

L = keras.layers
IMAGES = np.random.RandomState(0).normal(size=(3, 8, 8, 3)).astype(np.float32)


def live(*layers):
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


@pytest.fixture(scope="module")
def mobile():
    """Ends as MobileNet does: 1 x 1 convolution, softmax, and only then the classes' axis."""
    return live(
        L.GlobalAveragePooling2D(keepdims=True),
        L.Conv2D(5, 1, activation="softmax"),
        L.Reshape((5,)),
    )


def test_logits_have_the_shape_of_the_reshaped_softmax(mobile):
    model = load_model(mobile)
    assert model.logits(IMAGES).shape == (3, 5)
    np.testing.assert_allclose(model.predict(IMAGES), mobile(IMAGES), atol=1e-6)


def test_a_reshaped_softmax_classifies_and_explains(mobile):
    model = load_model(mobile)
    expected = np.asarray(mobile(IMAGES)).argmax(axis=1)
    assert [int(row[0].label) for row in model.ranked(model.logits(IMAGES), 1)] == list(expected)
    found = explain(model, IMAGES, use=["smooth_grad"])
    np.testing.assert_array_equal(found.classes, expected)


def clipped(low, high):
    inputs = keras.Input((8, 8, 3))
    outputs = L.Dense(3, activation="softmax")(L.Flatten()(inputs))
    return keras.Model(inputs, keras.ops.clip(outputs, low, high))


def test_a_clip_that_only_keeps_from_0_and_1_is_left_out():
    source = clipped(1e-7, 1 - 1e-7)
    np.testing.assert_allclose(load_model(source).predict(IMAGES), source(IMAGES), atol=1e-6)


def averaged():
    inputs = keras.Input((8, 8, 3))
    heads = [L.Dense(3, activation="softmax")(L.Flatten()(inputs)) for _ in range(2)]
    return keras.Model(inputs, L.Average()(heads))


def test_probabilities_that_come_from_no_final_softmax_are_refused():
    with pytest.raises(ConfigError, match="is probabilities already"):
        load_model(averaged()).predict(IMAGES)


def sigmoid(count):
    return live(L.Flatten(), L.Dense(count, activation="sigmoid"))


def test_one_sigmoid_with_two_labels_gives_both_sides():
    source = sigmoid(1)
    model = load_model(source, labels=["cat", "dog"])
    dog = np.asarray(source(IMAGES))[:, 0]
    np.testing.assert_allclose(model.predict(IMAGES), np.stack([1 - dog, dog], 1), atol=1e-6)
    (first, second) = model.ranked(model.logits(IMAGES), 2)[0]
    assert {first.label, second.label} == {"cat", "dog"}
    assert first.probability >= second.probability


@pytest.mark.parametrize("labels", [None, ["dog"]])
def test_one_column_is_no_softmax(labels):
    model = load_model(sigmoid(1), labels=labels)
    with pytest.raises(ConfigError, match="over which a softmax is always 1"):
        model.predict(IMAGES)


def test_one_column_without_a_sigmoid_is_refused_whatever_the_labels():
    model = load_model(live(L.Flatten(), L.Dense(1)), labels=["cat", "dog"])
    with pytest.raises(ConfigError, match="over which a softmax is always 1"):
        model.predict(IMAGES)


def test_several_sigmoids_are_no_softmax():
    with pytest.raises(ConfigError, match="a sigmoid for each of 3 columns"):
        load_model(sigmoid(3)).predict(IMAGES)
