"""Graphs that might mix the examples, or do: refused, or computed on batches of one."""

import gradient_cases as cases
import numpy as np
import pytest
import tensorflow as tf
from gradient_oracle import batch, flat_norms, loop, worst

import tfinspect
from tfinspect.errors import NetworkError

ONES, ZEROS = np.ones(3, np.float32), np.zeros(3, np.float32)


def _kernel(*shape, seed=1):
    return tf.Variable(tf.random.stateless_normal(shape, [seed, 2]) * 0.5, name="kernel")


def _pooled(x):
    return tf.reduce_mean(tf.nn.relu(x), [1, 2])


def _trained(x):
    return tf.compat.v1.nn.fused_batch_norm(x, ONES, ZEROS, is_training=True)[0]


def _reversed(x):
    """There is no rule for it."""
    return tf.reverse(x, [1])


_in_function = tf.function(_trained)
_twice_in_functions = tf.function(lambda x: tf.function(_trained)(x) + 1.0)
_moments_in_function = tf.function(lambda x: x - tf.reduce_mean(x, 0))

STATISTICS = {
    "fused, in a function": _in_function,
    "fused, in a function of a function": _twice_in_functions,
    "mean, in a function": _moments_in_function,
    "fused, behind an op without a rule": lambda x: _trained(_reversed(x)),
    "mean, behind an op without a rule": lambda x: _reversed(x) - tf.reduce_mean(_reversed(x), 0),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_batch_statistics_are_refused_wherever_they_hide(name):
    kernel = _kernel(3, 3, 3, 3)
    model = cases.function_model(
        lambda x: _pooled(STATISTICS[name](tf.nn.conv2d(x, kernel, 1, "SAME"))), {"kernel": kernel}
    )
    with pytest.raises(NetworkError, match=r"mixes the examples.*is_training=False"):
        tfinspect.per_example_gradient_norms(model, *batch(model, classes=3))


def _two_in_blocks(x, kernel):
    x = tf.space_to_batch(x[:, :8], [2, 2], [[2, 2], [2, 2]])
    x = tf.nn.conv2d(tf.nn.conv2d(x, kernel, 1, "VALID"), kernel, 1, "VALID")
    return _pooled(tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]))


def _over_time(x, kernel):
    x = tf.reshape(x[:, :8], [-1, 4, 8, 3])
    x = tf.nn.conv2d(tf.space_to_batch(x, [2, 2], [[2, 2], [2, 2]]), kernel, 1, "VALID")
    return _pooled(tf.reshape(tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]), [-1, 8, 8, 3]))


@pytest.mark.parametrize("build", [_two_in_blocks, _over_time])
def test_blocks_that_are_no_single_dilated_convolution_take_batches_of_one(build):
    kernel = _kernel(3, 3, 3, 3)
    model = cases.function_model(lambda x: build(x, kernel), {"kernel": kernel})
    images, labels = batch(model, classes=3)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
    assert "SpaceToBatchND" in found.rules["kernel"] or "Conv2D" in found.rules["kernel"]


def test_a_single_dilated_convolution_in_blocks_has_a_rule():
    kernel = _kernel(3, 3, 3, 3)

    def build(x):
        x = tf.space_to_batch(x[:, :8], [2, 2], [[2, 2], [2, 2]])
        x = tf.nn.conv2d(x, kernel, 1, "VALID")
        return _pooled(tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]))

    model = cases.function_model(build, {"kernel": kernel})
    images, labels = batch(model, classes=3)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
    assert found.rules["kernel"].startswith("convolution")


@pytest.fixture(scope="module")
def mixing():
    """Subtracts half of the batch's mean by a matmul, which nothing can refuse for sure."""
    kernel = _kernel(3, 3)

    def build(x):
        logits = tf.reduce_mean(x, [1, 2]) @ kernel
        count = tf.shape(logits)[0]
        mean = tf.matmul(tf.ones([count, count]) / tf.cast(count, tf.float32), logits)
        return logits - 0.5 * mean

    model = cases.function_model(build, {"kernel": kernel})
    return model, *batch(model, 4, classes=3)


@pytest.mark.parametrize("clip", [1e9, 0.2])
def test_clipped_sum_without_rules_sums_the_gradients_of_batches_of_one(mixing, clip):
    wanted = loop(*mixing)["kernel"]
    scales = np.minimum(1, clip / flat_norms([wanted]))
    found = tfinspect.clipped_sum(*mixing, clip)
    np.testing.assert_allclose(found["kernel"], np.tensordot(scales, wanted, 1), rtol=1e-5)


def test_losses_and_logits_without_rules_are_those_of_batches_of_one(mixing):
    model, images, labels = mixing
    found = tfinspect.per_example_gradient_norms(model, images, labels)
    alone = np.concatenate([model.logits(images[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(found.logits, alone, rtol=1e-5)
    wanted = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, alone)
    np.testing.assert_allclose(found.losses, wanted, rtol=1e-5)


def test_with_one_image_at_a_time_no_reduction_mixes():
    kernel = _kernel(3, 3)
    model = cases.function_model(
        lambda x: tf.reduce_mean(tf.squeeze(x, 0), [0, 1])[None] @ kernel,
        {"kernel": kernel},
        batch=1,
    )
    images, labels = batch(model, classes=3)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
