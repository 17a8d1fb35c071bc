"""Models that end in sigmoids: binary cross-entropies in place of a softmax's."""

import gradient_cases as cases
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from gradient_oracle import batch, flat_norms, loop, worst

import tfinspect
from tfinspect.errors import DataError

FAMILIES = {"keras": keras, "tf_keras": tf_keras}


def _built(family, outputs, *after):
    module = FAMILIES[family]
    k = module.layers
    return cases._chain(
        module,
        k.Conv2D(4, 3, activation="relu"),
        k.Flatten(),
        k.Dense(outputs, activation="sigmoid"),
        *after,
    )


def _of_logits(outputs):
    """Keras's loss, from the input of the last activation."""

    def loss(labels, probabilities):
        logits = probabilities.op.inputs[0]
        while logits.op.type in ("Identity", "Sigmoid"):
            logits = logits.op.inputs[0]
        targets = tf.cast(tf.reshape(labels, [-1, outputs]), tf.float32)
        values = tf.keras.losses.binary_crossentropy(targets, logits, from_logits=True)
        return tf.reshape(values, [-1])

    return loss


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_gradients_are_those_of_the_binary_cross_entropy(family, outputs):
    model = tfinspect.load_model(_built(family, outputs))
    images, _ = batch(model)
    labels = np.random.RandomState(0).randint(0, 2, (3, outputs))
    wanted = loop(model, images, labels, _of_logits(outputs))
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, wanted)[0] < 1e-5
    assert not [rule for rule in found.rules.values() if "vectorized_map" in rule]
    norms = tfinspect.per_example_gradient_norms(model, images, labels)
    np.testing.assert_allclose(norms.total, flat_norms(list(wanted.values())), rtol=1e-5)
    targets = labels.astype(np.float64)
    p = norms.logits.astype(np.float64)
    entropies = -targets * np.log(p) - (1 - targets) * np.log(1 - p)
    np.testing.assert_allclose(norms.losses, entropies.mean(1), rtol=1e-5)


def test_class_numbers_are_the_labels_of_a_single_sigmoid():
    model = tfinspect.load_model(_built("keras", 1))
    images, _ = batch(model)
    found = tfinspect.per_example_gradients(model, images, [1, 0, 1])
    wanted = tfinspect.per_example_gradients(model, images, [[True], [False], [True]])
    assert worst(found, wanted)[0] == 0


def test_a_sigmoid_that_is_saturated_still_has_a_gradient():
    """1 - p is 0 in float32, and the gradient of log(1 - p) would be none."""
    model = tfinspect.load_model(_built("keras", 1))
    bias = next(one for one in model.variables.values() if one.shape == [1])
    bias.assign([60.0])
    images, _ = batch(model, 1)
    norms = tfinspect.per_example_gradient_norms(model, images * 0.01, [0])
    assert norms.losses[0] == pytest.approx(60, rel=0.05)
    assert norms.total[0] >= 1


def test_an_output_behind_a_reshape_is_a_sigmoid_too():
    model = tfinspect.load_model(_built("keras", 3, keras.layers.Reshape((3,))))
    images, _ = batch(model)
    labels = np.eye(3)
    plain = tfinspect.per_example_gradients(model, images, labels)
    wanted = loop(
        model,
        images,
        labels.astype(np.float32),
        lambda y, p: tf.keras.losses.binary_crossentropy(y, p, from_logits=False),
    )
    assert worst(plain, wanted)[0] < 1e-4  # Keras clips p by 1e-7


@pytest.mark.parametrize(
    ("outputs", "labels", "message"),
    [
        (3, [0, 1, 2], r"ends in 3 sigmoids, .* labels \[N\] do not say which; give \[N, 3\]"),
        (3, np.zeros([3, 2]), r"and shape \[N, 2\] do not fit the 3 sigmoids"),
        (1, ["on", "off", "on"], r"labels of dtype string .* do not fit the 1 sigmoids"),
        (3, np.full([3, 3], 2), r"label 2 of example 0 is no target of a sigmoid"),
        (1, [0, 1, 2], r"label 2 of example 2 is no target of a sigmoid.*give 0 or 1"),
        (1, [0, np.nan, 1], r"label nan of example 1 is no target"),
    ],
)
def test_labels_that_are_none_of_sigmoids_are_refused(outputs, labels, message):
    model = tfinspect.load_model(_built("keras", outputs))
    images, _ = batch(model)
    with pytest.raises(DataError, match=message):
        tfinspect.per_example_gradient_norms(model, images, labels)
