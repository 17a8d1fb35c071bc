"""Statistics over all replicas; the tests of clusters and of devices have several."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.nets.synchronized_batch_norm import moments, synchronized

VALUES = np.random.RandomState(0).normal(3.0, 2.0, (6, 4, 4, 5)).astype(np.float32)
IMAGES = np.random.RandomState(1).standard_normal((6, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("near", [0.0, 3.0])
def test_moments_of_one_replica_are_those_of_its_values(near):
    mean, variance, count = moments(tf.constant(VALUES), None, tf.fill([5], near))
    exact = VALUES.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(variance, exact.var((0, 1, 2)), rtol=1e-5)
    assert count == 6 * 16


def test_examples_that_weigh_nothing_are_not_counted():
    weights = tf.constant([1.5, 1.5, 0.0, 1.5, 1.5, 0.0])
    found = moments(tf.constant(VALUES), weights, tf.zeros([5]))
    expected = moments(tf.constant(VALUES[[0, 1, 3, 4]]), None, tf.zeros([5]))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_values_far_from_zero_keep_their_digits_near_the_moving_mean():
    far = VALUES + 1000
    _, variance, _ = moments(tf.constant(far), None, tf.fill([5], 1003.0))
    np.testing.assert_allclose(variance, far.astype(np.float64).var((0, 1, 2)), rtol=1e-5)


def model_after_a_pass(name, wanted, weights=None, images=IMAGES):
    spec = get_spec(name, width=0.25)
    model = SlimModel(spec, 4, batch_norm_decay=0.5)
    model.build_variables()
    with tf.GradientTape() as tape, synchronized(wanted, weights):
        logits = model(tf.constant(images), training=True)
        loss = tf.reduce_sum(logits[: len(IMAGES)] ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    names = [variable.name for variable in model.trainable_variables]
    values = {name: one.numpy() for name, one in model.variables_by_name().items()}
    return logits[: len(IMAGES)], dict(zip(names, gradients, strict=True)), values


@pytest.mark.parametrize("name", ["cifar_resnet8_v1", "cifar_resnet11_bottleneck"])
def test_one_replica_trains_as_with_the_fused_kernel(name):
    fused, ours = (model_after_a_pass(name, wanted) for wanted in (False, True))
    np.testing.assert_allclose(ours[0], fused[0], atol=1e-4)
    for found, expected in zip(ours[1:], fused[1:], strict=True):
        assert sorted(found) == sorted(expected)
        for key, value in expected.items():
            scale = max(np.abs(value).max(), 1e-3)
            np.testing.assert_allclose(found[key], value, atol=2e-4 * scale, err_msg=key)


def test_fillers_change_nothing():
    weights = tf.constant([1.0] * 6 + [0.0] * 2)
    images = np.concatenate([IMAGES, 9 * IMAGES[:2]])
    filled = model_after_a_pass("cifar_resnet8_v1", True, weights, images)
    alone = model_after_a_pass("cifar_resnet8_v1", True)
    np.testing.assert_allclose(filled[0], alone[0], atol=1e-5)
    for key, value in alone[2].items():
        np.testing.assert_allclose(filled[2][key], value, atol=1e-5, err_msg=key)


def test_outside_of_training_nothing_changes():
    model = SlimModel(get_spec("cifar_resnet8_v1"), 4)
    plain = model(tf.constant(IMAGES))
    with synchronized(True):
        np.testing.assert_array_equal(model(tf.constant(IMAGES)), plain)
