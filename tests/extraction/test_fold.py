"""Folding against the graph as it was, on graphs made for one thing each."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.extraction.fold import fold_batch_norm

v1 = tf.compat.v1
RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.rand(2, 7, 7, 4).astype(np.float32)


def _norm(net, name="conv/BatchNorm", training=False):
    channels = net.shape[-1]
    gamma, beta, mean, variance = (
        tf.constant(0.5 + RANDOM.rand(channels), tf.float32) for _ in range(4)
    )
    statistics = () if training else (mean, variance)
    return v1.nn.fused_batch_norm(
        net, gamma, beta, *statistics, epsilon=0.01, is_training=training, name=name
    )[0]


def _kernel(*shape):
    return tf.constant(RANDOM.randn(*shape), tf.float32, name="conv/weights")


def _convolved(images):
    return tf.nn.conv2d(images, _kernel(3, 3, 4, 6), 1, "SAME", name="conv/Conv2D")


def _depthwise(images):
    return tf.nn.depthwise_conv2d(images, _kernel(3, 3, 4, 2), [1, 1, 1, 1], "SAME")


def _with_bias(images):
    return tf.nn.bias_add(_convolved(images), tf.constant(RANDOM.randn(6), tf.float32))


def _graph(build):
    with tf.Graph().as_default() as graph:
        tf.identity(build(v1.placeholder(tf.float32, [None, 7, 7, 4], "images")), name="out")
        return graph.as_graph_def()


def _run(graph_def):
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return session.run("out:0", {"images:0": IMAGES})


@pytest.mark.parametrize("layer", [_convolved, _depthwise, _with_bias])
def test_folded_graph_gives_the_same(layer):
    graph_def = _graph(lambda images: tf.nn.relu(_norm(layer(images))))
    result = fold_batch_norm(graph_def, ("out:0",))
    assert (result.folded, result.kept) == (1, 0)
    np.testing.assert_allclose(_run(result.graph_def), _run(graph_def), atol=1e-4)


@pytest.mark.parametrize("swapped", [False, True])
def test_constant_factor_behind_a_bias_is_folded_too(swapped):
    def build(images):
        net, factor = _norm(_convolved(images)), tf.constant(0.17)
        return images[..., :1] + (net * factor if swapped else factor * net)

    graph_def = _graph(build)
    result = fold_batch_norm(graph_def, ("out:0",))
    assert (result.folded, result.factors) == (1, 1)
    assert "Mul" not in {node.op for node in result.graph_def.node}
    np.testing.assert_allclose(_run(result.graph_def), _run(graph_def), atol=1e-4)


def test_factor_that_is_no_scalar_constant_stays():
    graph_def = _graph(lambda images: tf.reduce_mean(images) * _with_bias(images))
    assert fold_batch_norm(graph_def, ("out:0",)).factors == 0


def _shared_output(images):
    net = _convolved(images)
    return _norm(net) + net


def _shared_kernel(images):
    kernel = _kernel(3, 3, 4, 6)
    first = _norm(tf.nn.conv2d(images, kernel, 1, "SAME"))
    return first + tf.nn.conv2d(images, kernel, 1, "SAME")


@pytest.mark.parametrize(
    ("build", "folded"),
    [
        (lambda images: _convolved(_norm(images)), 0),
        (lambda images: _norm(tf.nn.relu(_convolved(images))), 0),
        (_shared_output, 0),
        (lambda images: _norm(_convolved(images), training=True), 0),
        (_shared_kernel, 1),
    ],
    ids=["before", "after relu", "shared output", "training", "shared kernel"],
)
def test_only_what_can_be_folded_is(build, folded):
    graph_def = _graph(build)
    result = fold_batch_norm(graph_def, ("out:0",))
    assert (result.folded, result.kept) == (folded, 1 - folded)
    np.testing.assert_allclose(_run(result.graph_def), _run(graph_def), atol=1e-4)


def test_kept_output_before_the_normalization_stays():
    graph_def = _graph(lambda images: _norm(_convolved(images)))
    assert fold_batch_norm(graph_def, ("out:0", "conv/Conv2D:0")).folded == 0


def test_given_graph_is_not_changed():
    graph_def = _graph(lambda images: _norm(_convolved(images)))
    before = graph_def.SerializeToString(deterministic=True)
    fold_batch_norm(graph_def, ("out:0",))
    assert graph_def.SerializeToString(deterministic=True) == before
