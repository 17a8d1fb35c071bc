import numpy as np
import pytest
import tensorflow as tf

from tfinspect.nets.heads import Head, convolutional_head, dense_head, global_pool, in_float32
from tfinspect.nets.slim_compat import slim, without_layer_warnings

v1 = tf.compat.v1
HEAD = Head("pool", "pooled", "dropout", "logits", features_end_point="features")
MAP = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)


def run(build, shape=(1, 2, 3, 2)):
    with tf.Graph().as_default(), without_layer_warnings():
        layers = [slim.conv2d, slim.fully_connected]
        with (
            slim.arg_scope(layers, weights_initializer=v1.ones_initializer()),
            slim.arg_scope([slim.dropout], is_training=False),
        ):
            images = v1.placeholder(tf.float32, shape)
            outputs = build(images)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return session.run(outputs, {images: MAP})


@pytest.mark.parametrize("shape", [(1, 2, 3, 2), (None, None, None, 2)])
def test_pool_covers_the_whole_map_of_known_or_unknown_size(shape):
    pooled = run(lambda net: global_pool(net, "pool"), shape)
    np.testing.assert_array_equal(pooled, [[[[5.0, 6.0]]]])


@pytest.mark.parametrize("head", [convolutional_head, dense_head])
def test_head_gives_end_points_and_logits_of_two_axes(head):
    end_points = run(lambda net: head(net, 3, HEAD))
    assert list(end_points) == ["pooled", "features", "Logits", "Predictions"]
    np.testing.assert_array_equal(end_points["Logits"], [[11.0] * 3])
    np.testing.assert_allclose(end_points["Predictions"], [[1 / 3] * 3], rtol=1e-6)


def test_without_classes_the_head_ends_at_the_pool():
    assert list(run(lambda net: dense_head(net, None, HEAD))) == ["pooled"]


@pytest.mark.parametrize(
    ("given", "taken"), [("bfloat16", "float32"), ("float32", "float32"), ("float64", "float64")]
)
def test_logits_are_computed_in_at_least_float32(given, taken):
    assert in_float32(tf.zeros([1], given)).dtype == taken
