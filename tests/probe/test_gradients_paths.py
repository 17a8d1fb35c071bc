"""Variables on whose way to the losses a gradient ends, and graphs that give no class scores."""

import gradient_cases as cases
import numpy as np
import pytest
import tensorflow as tf
from gradient_oracle import batch, loop, worst

import tfinspect
from tfinspect.errors import NetworkError


def _kernel(*shape):
    return tf.Variable(tf.random.stateless_normal(shape, [3, 4]) * 3, name="kernel")


def _pooled(x):
    return tf.reduce_mean(x, [1, 2])


def test_a_cast_to_integers_ends_the_gradient():
    cut, whole = _kernel(3, 3), _kernel(3, 3)

    def build(x):
        return _pooled(x) @ tf.cast(tf.cast(cut, tf.int32), tf.float32) + _pooled(x) @ whole

    model = cases.function_model(build, {"cut": cut, "whole": whole})
    images, labels = batch(model, classes=3)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert not found["cut"].any()
    assert worst(found, loop(model, images, labels))[0] < 1e-5


def _one_hot_of_argmax(x, kernel):
    return tf.one_hot(tf.argmax(_pooled(x) @ kernel, 1), 3)


def _quantized(x, kernel):
    return _pooled(x) @ tf.cast(tf.cast(kernel, tf.int32), tf.float32)


def _argmax_behind_an_op_without_a_rule(x, kernel):
    return _one_hot_of_argmax(tf.reverse(x, [1]), kernel)


@pytest.mark.parametrize(
    "build", [_one_hot_of_argmax, _quantized, _argmax_behind_an_op_without_a_rule]
)
def test_gradients_that_do_not_exist_are_refused_and_not_zero(build):
    kernel = _kernel(3, 3)
    model = cases.function_model(lambda x: build(x, kernel), {"kernel": kernel})
    with pytest.raises(NetworkError, match="no float path leads from the losses of 'made'"):
        tfinspect.per_example_gradients(model, *batch(model, classes=3))


def test_one_column_of_logits_is_refused_with_the_reason():
    kernel = _kernel(3, 1)
    model = cases.function_model(lambda x: _pooled(x) @ kernel, {"kernel": kernel})
    with pytest.raises(NetworkError, match=r"one column of logits.*always 0; give a loss"):
        tfinspect.per_example_gradient_norms(model, *batch(model, classes=1))


def test_one_column_of_logits_has_gradients_of_a_loss_of_its_own():
    kernel = _kernel(3, 1)
    model = cases.function_model(lambda x: _pooled(x) @ kernel, {"kernel": kernel})
    images, labels = batch(model, classes=2)

    def binary(labels, logits):
        targets = tf.cast(labels, tf.float32)
        return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits[:, 0])

    found = tfinspect.per_example_gradients(model, images, labels, loss=binary)
    assert worst(found, loop(model, images, labels, binary))[0] < 1e-5


@pytest.mark.parametrize("shape", [(-1, 1, 1, 3), (-1,)])
def test_logits_of_another_rank_are_refused_with_the_cure(shape):
    kernel = _kernel(3, 3)
    model = cases.function_model(
        lambda x: tf.reshape(_pooled(x) @ kernel, shape), {"kernel": kernel}
    )
    with pytest.raises(NetworkError, match=r"and not \[N, classes\]; choose.*\(--output-name\)"):
        tfinspect.per_example_gradients(model, *batch(model, classes=3))


@pytest.mark.parametrize(("size", "form"), [(1, "gram"), (12, "direct")])
def test_norms_take_the_form_that_is_less_work(size, form, monkeypatch):
    """A dense layer over one position of many numbers, and over many positions of few."""
    from tfinspect.probe.gradients import products

    reached = []
    gram = products._gram
    monkeypatch.setattr(products, "_gram", lambda pair: reached.append("gram") or gram(pair))
    kernel = _kernel(12 // size, 4)

    def build(x):
        rows = tf.reshape(tf.reshape(x, [-1, 216])[:, :12], [-1, 12 // size])
        return tf.reduce_sum(tf.reshape(tf.tanh(rows @ kernel), [-1, size, 4]), 1)

    model = cases.function_model(build, {"kernel": kernel})
    images, labels = batch(model, classes=4)
    norms = tfinspect.per_example_gradient_norms(model, images, labels)
    wanted = loop(model, images, labels)["kernel"].reshape(len(images), -1)
    np.testing.assert_allclose(norms.total, np.linalg.norm(wanted, axis=1), rtol=1e-5)
    assert reached == (["gram"] if form == "gram" else [])
