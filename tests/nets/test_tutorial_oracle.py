"""The v1 network against the genuine TensorFlow 1.15 one, on the oracle's weights."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import filled

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.nets.tutorial_names import to_tutorial

LABELS = [3, 1, 4, 1]
# Largest relative deviations of the gradients that the oracle's README suggests.
GRADIENT_TOLERANCE = {(20, False): 1e-4, (44, False): 1e-4, (20, True): 1e-3, (44, True): 5e-2}


def tutorial_model(depth):
    model = SlimModel(get_spec(f"cifar_resnet{depth}_v1"), 11)
    fill(model, depth)
    return model


def fill(model, depth):
    theirs = to_tutorial(depth)
    for name, variable in model.variables_by_name().items():
        variable.assign(filled(theirs[name], variable.shape.as_list()))


def oracle_images(model):
    images = np.random.RandomState(7).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    return model.spec.preprocessing.apply(images)


def tutorial_loss(model, logits):
    """The tutorial's: L2 over all trainable variables, batch normalization and biases too."""
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits)
    decay = tf.add_n([tf.nn.l2_loss(variable) for variable in model.trainable_variables])
    return tf.reduce_mean(entropy) + 2e-4 * decay


def gradients_of(model, images, training):
    with tf.GradientTape() as tape:
        logits = model(images, training=training)
        loss = tutorial_loss(model, logits)
    return logits, loss, tape.gradient(loss, model.trainable_variables)


@pytest.fixture(scope="module", params=[(20, False), (20, True), (44, False), (44, True)], ids=str)
def case(request):
    depth, training = request.param
    model = tutorial_model(depth)
    logits, loss, gradients = gradients_of(model, oracle_images(model), training)
    theirs = to_tutorial(depth)
    return SimpleNamespace(
        key=f"resnet{depth}/{'train' if training else 'eval'}",
        tolerance=GRADIENT_TOLERANCE[request.param],
        logits=logits.numpy(),
        loss=float(loss),
        gradients={
            theirs[v.name[:-2]]: g.numpy()
            for v, g in zip(model.trainable_variables, gradients, strict=True)
        },
        after={theirs[name]: v.numpy() for name, v in model.variables_by_name().items()},
    )


@pytest.mark.parametrize("depth", [20, 44])
def test_mapping_covers_the_tutorials_variables(depth, oracle_variables):
    assert set(to_tutorial(depth).values()) == {v["name"] for v in oracle_variables[depth]}


def test_shapes_and_trainability_are_the_tutorials(oracle_variables):
    model = tutorial_model(20)
    theirs = to_tutorial(20)
    ours = {
        (theirs[name], tuple(v.shape), v.trainable) for name, v in model.variables_by_name().items()
    }
    expected = {(v["name"], tuple(v["shape"]), v["trainable"]) for v in oracle_variables[20]}
    assert ours == expected


def test_the_fill_is_the_oracles(oracle_variables):
    for variable in oracle_variables[44]:
        values = filled(variable["name"], variable["shape"])
        assert hashlib.sha256(values.tobytes()).hexdigest() == variable["sha256"]


def test_logits_equal_the_tutorials(case, oracle_arrays):
    np.testing.assert_allclose(case.logits, oracle_arrays[f"{case.key}/logits"], rtol=0, atol=1e-4)


def test_loss_equals_the_tutorials(case, oracle_facts):
    assert case.loss == pytest.approx(
        oracle_facts[case.key]["loss_with_weight_decay_2e_4"], abs=1e-4
    )


def test_gradient_norms_equal_the_tutorials(case, oracle_facts):
    expected = oracle_facts[case.key]["grad_norm_of_that_loss"]
    norms = {name: float(np.linalg.norm(g)) for name, g in case.gradients.items()}
    assert norms == pytest.approx(expected, rel=case.tolerance)


def test_gradients_equal_the_tutorials(case, oracle_arrays):
    prefix = f"{case.key}/grad_first16/"
    keys = [key for key in oracle_arrays if key.startswith(prefix)]
    assert keys
    for key in keys:
        expected = oracle_arrays[key]
        difference = case.gradients[key.removeprefix(prefix)].ravel()[:16] - expected
        assert np.linalg.norm(difference) <= case.tolerance * np.linalg.norm(expected), key


def test_moving_statistics_after_an_update_equal_the_tutorials(case, oracle_arrays):
    prefix = f"{case.key}/after_update/"
    keys = [key for key in oracle_arrays if key.startswith(prefix)]
    assert bool(keys) == case.key.endswith("train")
    for key in keys:
        np.testing.assert_allclose(
            case.after[key.removeprefix(prefix)].ravel()[:16], oracle_arrays[key], rtol=0, atol=1e-6
        )


def test_three_momentum_steps_lose_as_the_tutorial(oracle_arrays, oracle_facts):
    model = tutorial_model(20)
    images, theirs = oracle_images(model), to_tutorial(20)
    losses = []
    slots = [np.zeros(v.shape, np.float32) for v in model.trainable_variables]
    for _ in range(3):
        _, loss, gradients = gradients_of(model, images, True)
        losses.append(float(loss))
        for slot, gradient, variable in zip(
            slots, gradients, model.trainable_variables, strict=True
        ):
            slot[...] = 0.9 * slot + gradient
            variable.assign_sub(0.001 * slot)
    losses.append(float(gradients_of(model, images, True)[1]))
    expected = oracle_facts["resnet20/three_steps"]["losses_before_each_step_and_after"]
    assert losses == pytest.approx(expected, abs=1e-4)
    dense_bias = model.variables_by_name()["resnet/logits/biases"]
    assert theirs["resnet/logits/biases"] == "resnet/dense/bias"
    np.testing.assert_allclose(
        dense_bias, oracle_arrays["resnet20/three_steps/resnet/dense/bias"], rtol=0, atol=1e-5
    )
