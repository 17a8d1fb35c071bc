"""Custom ops: values and derivatives equal to the composed form, wherever they run."""

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sigmoids import K, X, composed_sigmoid, make, numpy_sigmoid

from tfinspect import custom_op
from tfinspect.errors import CustomOpError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

SIGMOID = make(name="sigmoid")


def derivatives(function, x, k):
    """Value, gradients, and gradients of a mixture of the gradients."""
    with tf.GradientTape() as outer:
        outer.watch([x, k])
        with tf.GradientTape() as inner:
            inner.watch([x, k])
            y = function(x, k)
        first = inner.gradient(y, [x, k])
        mixed = tf.reduce_sum(first[0] ** 2) + 3 * first[1]
    return [y, *first, *outer.gradient(mixed, [x, k])]


def in_graph_of_tf1(function):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float64, [None, 3])
        k = tf.constant(K, tf.float64)
        y = function(x, k)
        first = tf.gradients(y, [x, k])
        mixed = tf.reduce_sum(first[0] ** 2) + 3 * first[1]
        return session.run([y, *first, *tf.gradients(mixed, [x, k])], {x: X})


def eagerly(function):
    return derivatives(function, tf.constant(X), tf.constant(K, tf.float64))


def in_function(function):
    return tf.function(derivatives)(function, tf.constant(X), tf.constant(K, tf.float64))


def around_a_function(function):
    called = tf.function(lambda x, k: function(x, k))
    return derivatives(called, tf.constant(X), tf.constant(K, tf.float64))


def without_known_shape(function):
    specs = [tf.TensorSpec(None, tf.float64), tf.TensorSpec([], tf.float64)]
    traced = tf.function(lambda x, k: derivatives(function, x, k), input_signature=specs)
    return traced(tf.constant(X), tf.constant(K, tf.float64))


WAYS = [eagerly, in_function, around_a_function, without_known_shape, in_graph_of_tf1]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_both_forms_agree_in_values_and_derivatives_of_both_orders(way):
    for ours, expected in zip(way(SIGMOID), eagerly(composed_sigmoid), strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(expected), rtol=1e-13, atol=1e-14)


def test_third_derivative_is_that_of_the_composed_form():
    def nested(function):
        x = tf.constant(0.3, tf.float64)
        with tf.GradientTape() as a:
            a.watch(x)
            with tf.GradientTape() as b:
                b.watch(x)
                with tf.GradientTape() as c:
                    c.watch(x)
                    y = function(x, tf.constant(K, tf.float64))
                first = c.gradient(y, x)
            second = b.gradient(first, x)
        return a.gradient(second, x)

    assert nested(SIGMOID).numpy() == pytest.approx(nested(composed_sigmoid).numpy(), rel=1e-12)


@pytest.mark.parametrize("dtype", [tf.float64, tf.float32, tf.bfloat16, tf.float16])
def test_dtype_is_kept(dtype):
    x = tf.cast(X, dtype)
    op = make(output=lambda x, k: tf.TensorSpec(x.shape, dtype))
    graph = tf.function(op).get_concrete_function(x, tf.cast(K, dtype))
    for y in (op(x, tf.cast(K, dtype)), graph(x, tf.cast(K, dtype))):
        assert y.dtype == dtype
        expected = numpy_sigmoid(x.numpy(), tf.cast(K, dtype).numpy())
        np.testing.assert_array_equal(y.numpy(), expected)


def test_declared_shape_stands_in_the_graph():
    specs = [tf.TensorSpec([None, 3], tf.float32)]
    made = tf.function(SIGMOID, input_signature=specs).get_concrete_function()
    (output,) = made.outputs
    assert (output.shape.as_list(), output.dtype) == ([None, 3], tf.float32)


def test_python_numbers_take_the_dtype_of_the_tensor_and_defaults_count():
    x = X.astype(np.float32)
    for y in (SIGMOID(x, 1), SIGMOID(x), SIGMOID(x, k=1.0)):
        np.testing.assert_array_equal(y, numpy_sigmoid(x, np.float32(1)))


def test_several_outputs_of_different_types():
    def forward(x):
        return np.maximum(x, 0), np.argmax(x, axis=-1).astype(np.int64)

    def gradient(op, upstream, of_place):
        assert of_place is None or of_place.dtype == tf.int64
        return upstream * tf.cast(op.inputs[0] > 0, upstream.dtype)

    op = custom_op(
        forward,
        output=lambda x: (x, tf.TensorSpec(x.shape[:-1], tf.int64)),
        gradient=gradient,
    )
    for run in (op, tf.function(op)):
        x = tf.constant([[1.0, -2.0], [-1.0, 3.0]])
        with tf.GradientTape() as tape:
            tape.watch(x)
            values, places = run(x)
        assert places.numpy().tolist() == [0, 1]
        assert tape.gradient(values, x).numpy().tolist() == [[1, 0], [0, 1]]


def test_integer_input_has_no_gradient():
    op = custom_op(
        lambda x, n: x ** int(n),
        output=lambda x, n: x,
        gradient=lambda op, u: (u * tf.cast(op.inputs[1], u.dtype) * op.inputs[0], u),
    )
    x, n = tf.constant([2.0, 3.0]), tf.constant(2)
    with tf.GradientTape() as tape:
        tape.watch([x, n])
        y = op(x, n)
    assert tape.gradient(y, x).numpy().tolist() == [4.0, 6.0]


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3)])
def test_gradient_of_a_broadcast_input_is_summed(shape):
    k = tf.constant(np.full(shape, K))
    x = tf.constant(X)
    found = []
    for function in (SIGMOID, tf.function(SIGMOID), composed_sigmoid):
        with tf.GradientTape() as tape:
            tape.watch(k)
            y = function(x, k)
        found.append(tape.gradient(y, k).numpy())
    assert found[0].shape == shape
    np.testing.assert_allclose(found[0], found[2], rtol=1e-12)
    np.testing.assert_allclose(found[1], found[2], rtol=1e-12)


def test_decorated_function_is_the_op():
    @custom_op(output=tf.TensorSpec([], tf.float64))
    def total(x):
        """Adds up."""
        return x.sum()

    assert total(X).numpy() == X.sum()
    assert total.__doc__ == "Adds up."
    assert total.name == "total"


def test_ufunc_serves_as_forward():
    op = custom_op(np.tanh, output=lambda x: x, gradient=lambda op, u: u * (1 - op.outputs[0] ** 2))
    np.testing.assert_allclose(op(X), np.tanh(X))


def test_threads_share_an_op():
    traced = tf.function(SIGMOID)
    inputs = [np.full((4, 4), float(n)) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda x: (SIGMOID(x).numpy(), traced(tf.constant(x)).numpy()), inputs)
        )
    for x, (eager, graph) in zip(inputs, found, strict=True):
        np.testing.assert_array_equal(eager, numpy_sigmoid(x))
        np.testing.assert_array_equal(graph, numpy_sigmoid(x))


@pytest.fixture(scope="module")
def networks():
    """A slim network whose activations are the sigmoid, under both forms, with equal weights."""
    from tfinspect.nets.slim_compat import slim

    def network(activation):
        def build(images, num_classes, is_training):
            net = slim.conv2d(images, 4, 3, activation_fn=activation, scope="conv1")
            net = slim.conv2d(net, 4, 3, stride=2, activation_fn=activation, scope="conv2")
            return slim.fully_connected(
                tf.reduce_mean(net, [1, 2]), num_classes, scope="logits"
            ), {}

        spec = get_spec("cifar_resnet8_v1")
        replaced = dataclasses.replace(spec, name="sigmoids", build=build, image_shape=(8, 8, 3))
        return SlimModel(replaced, 3, seed=1)

    return network(SIGMOID), network(lambda x: composed_sigmoid(x, 1.0))


def test_slim_network_trains_alike_with_both_forms(networks):
    images = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype(np.float32)
    labels = np.arange(8) % 3
    losses = []
    for network in networks:
        network.compile(
            optimizer="sgd",
            loss=lambda true, logits: tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.cast(tf.reshape(true, [-1]), tf.int32), logits
            ),
        )
        losses.append(network.fit(images, labels, 4, epochs=2, shuffle=False, verbose=0).history)
    np.testing.assert_allclose(losses[0]["loss"], losses[1]["loss"], rtol=1e-5)


def test_op_stands_under_its_name_in_the_networks_graph(networks):
    images = tf.TensorSpec([None, 8, 8, 3], tf.float32)
    graph = tf.function(lambda x: networks[0].network(x)[0]).get_concrete_function(images).graph
    names = [op.name for op in graph.get_operations() if op.type == "PyFuncStateless"]
    assert names == ["conv1/sigmoid/PyFuncStateless", "conv2/sigmoid/PyFuncStateless"]


MIRRORED = """
import sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, sys.argv[1])
from sigmoids import make
sigmoid = make()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    k = tf.Variable(1.5)
data = strategy.experimental_distribute_dataset(tf.data.Dataset.range(8).batch(8))
@tf.function
def step(batch):
    def replica(x):
        with tf.GradientTape() as tape:
            y = sigmoid(tf.cast(x, tf.float32), k)
        return tape.gradient(y, k)
    return strategy.reduce("SUM", strategy.run(replica, (batch,)), None)
print(float(step(next(iter(data)))))
"""


@pytest.mark.slow
def test_replicas_of_a_mirrored_strategy_run_it():
    command = [sys.executable, "-c", MIRRORED, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    k = tf.constant(1.5)
    with tf.GradientTape() as tape:
        tape.watch(k)
        y = composed_sigmoid(tf.range(8.0), k)
    assert float(done.stdout) == pytest.approx(float(tape.gradient(y, k)), rel=1e-5), done.stderr


def test_wrong_parts_are_refused():
    with pytest.raises(CustomOpError, match="the forward of a custom op is 3; it must be a functi"):
        custom_op(3, output=tf.TensorSpec([], tf.float32))
    with pytest.raises(CustomOpError, match="the gradient of 'numpy_sigmoid' is 'relu'; it must"):
        make(gradient="relu")
    with pytest.raises(CustomOpError, match="parameter 'k' is for keywords alone"):
        custom_op(lambda x, *, k: x, output=lambda x: x)
