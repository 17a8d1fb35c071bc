import tensorflow as tf

from tfinspect.model.graph_walk import SHAPE_OPS, reached_from, sources_of


def built():
    with tf.Graph().as_default():
        first = tf.compat.v1.placeholder(tf.float32, [None, 2], "first")
        second = tf.compat.v1.placeholder(tf.float32, [None, 2], "second")
        return first, tf.identity(tf.add(first, second, name="sum"), "end"), tf.shape(first)


def test_sources_are_all_ops_behind_a_tensor():
    _, end, _ = built()
    assert set(sources_of([end])) == {"first", "second", "sum", "end"}
    assert set(sources_of([end], lambda tensor: tensor.op.name != "second")) == {
        *("first", "sum", "end")
    }


def test_reached_ops_leave_out_what_shapes_alone_give():
    first, _, shape = built()
    assert reached_from(first, SHAPE_OPS) == {"first", "sum", "end"}
    assert shape.op.name in reached_from(first)
