import numpy as np
import pytest
import tensorflow as tf

from tfinspect.model.graph_part import part_function


@pytest.fixture
def traced():
    """Two dense layers: the graph, its tensors by name, and the variables."""
    first, second = tf.Variable([[2.0, 0.0], [0.0, 3.0]]), tf.Variable([[1.0], [-1.0]])
    made = {}

    def build():
        made["x"] = tf.compat.v1.placeholder(tf.float32, [None, 2], "x")
        made["hidden"] = tf.nn.relu(tf.matmul(made["x"], first), name="hidden")
        with tf.control_dependencies([made["hidden"]]):
            made["y"] = tf.matmul(made["hidden"], second, name="y")
        return made["y"]

    wrapped = tf.compat.v1.wrap_function(build, [])
    return wrapped.graph, made, (first, second)


def test_both_parts_one_after_the_other_are_the_whole(traced):
    graph, made, (first, second) = traced
    below = part_function(graph, [made["x"]], [made["hidden"]])
    above = part_function(graph, [made["hidden"]], [made["y"]])
    x = np.float32([[1, 2], [-1, 1]])
    (hidden,) = below(tf.constant(x))
    (y,) = above(hidden)
    np.testing.assert_array_equal(hidden, np.maximum(x @ first.numpy(), 0))
    np.testing.assert_array_equal(y, hidden @ second.numpy())


def test_a_part_takes_along_only_its_own_variables_and_sees_them_change(traced):
    graph, made, (_, second) = traced
    above = part_function(graph, [made["hidden"]], [made["y"]])
    assert [value is second.handle for value, _ in above.graph.captures] == [True]
    second.assign([[10.0], [0.0]])
    assert above(tf.constant([[1.0, 1.0]]))[0].numpy().tolist() == [[10.0]]


def test_gradients_reach_arguments_and_variables(traced):
    graph, made, (_, second) = traced
    above = part_function(graph, [made["hidden"]], [made["y"]])
    hidden = tf.constant([[5.0, 7.0]])
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        (y,) = above(hidden)
    to_hidden, to_second = tape.gradient(y, [hidden, second])
    assert to_hidden.numpy().tolist() == [[1.0, -1.0]]
    assert to_second.numpy().tolist() == [[5.0], [7.0]]


def test_an_argument_may_be_of_no_use(traced):
    graph, made, _ = traced
    above = part_function(graph, [made["hidden"], made["x"]], [made["y"]])
    (y,) = above(tf.constant([[5.0, 7.0]]), tf.zeros([1, 2]))
    assert y.numpy().tolist() == [[-2.0]]
