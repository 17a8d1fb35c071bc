"""Small models, one for each way in which parameters meet examples. Each takes 9 x 8 images."""

import keras
import tensorflow as tf
import tf_keras

from tfinspect.model.model import Model
from tfinspect.model.trace import Built
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

SHAPE = (9, 8, 3)


def _chain(family, *layers):
    inputs = outputs = family.Input(SHAPE)
    for layer in layers:
        outputs = layer(outputs)
    return family.Model(inputs, outputs)


def _attention(layers):
    attention = layers.MultiHeadAttention(2, 3)
    return lambda tokens: attention(tokens, tokens)


# Name -> (layers of a family) -> layers; every one is tried with Keras 3 and tf_keras.
LAYERS = {
    "strides": lambda k: [k.Conv2D(4, 3, 2, "same", activation="relu"), k.Conv2D(3, (2, 3))],
    "dilation": lambda k: [k.Conv2D(4, 3, dilation_rate=2, padding="same")],
    "batch norm": lambda k: [k.Conv2D(4, 3), k.BatchNormalization(), k.ReLU(), k.Conv2D(4, 1)],
    "depthwise": lambda k: [k.DepthwiseConv2D(3, 2, "same", 2), k.SeparableConv2D(6, 3)],
    "transposed": lambda k: [k.Conv2DTranspose(4, 3, 2)],
    "tokens": lambda k: [k.Reshape((24, 9)), k.Dense(6, "tanh"), k.Conv1D(4, 3)],
    "attention": lambda k: [k.Reshape((24, 9)), _attention(k)],
    "layer norm": lambda k: [k.Conv2D(6, 3), k.LayerNormalization()],
    "group norm": lambda k: [k.Conv2D(6, 3), k.GroupNormalization(3)],
    "prelu": lambda k: [k.Conv2D(6, 3), k.PReLU(shared_axes=[1, 2])],
}


def _shared_kernel(k):
    kernel, dense = k.Conv2D(3, 3, padding="same", activation="tanh"), k.Dense(6, "tanh")
    return [kernel, kernel, k.Flatten(), k.Dense(6), dense, dense]


LAYERS["shared"] = _shared_kernel
FAMILIES = {"keras": keras, "tf_keras": tf_keras}


def family_model(family, name):
    module = FAMILIES[family]
    layers = LAYERS[name](module.layers)
    return _chain(module, *layers, module.layers.Flatten(), module.layers.Dense(5))


def grouped():
    """Keras runs grouped convolutions in a function of their own."""
    k = keras.layers
    return _chain(keras, k.Conv2D(4, 3), k.Conv2D(4, 3, groups=2), k.Flatten(), k.Dense(5))


def recurrent():
    k = keras.layers
    return _chain(keras, k.Reshape((24, 9)), k.LSTM(3), k.Dense(5))


def cifar(unit, dtype="float32"):
    depth = {"v1": 8, "v2": 8, "bottleneck": 11}[unit]
    return SlimModel(get_spec(f"cifar_resnet{depth}_{unit}", width=0.25), 10, compute_dtype=dtype)


def function_model(build, variables, shape=SHAPE, batch=None):
    """A `Model` of a function `images -> logits`."""
    return Model("made", "function", shape, lambda x: Built(build(x), {}), variables, batch=batch)


def explicit():
    """Explicit padding, grouped convolution, an embedding and a kernel through other ops."""
    initial = tf.random.stateless_normal
    kernel = tf.Variable(initial([3, 2, 3, 4], [1, 1]), name="kernel")
    groups = tf.Variable(initial([2, 2, 2, 6], [2, 2]), name="groups")
    table = tf.Variable(initial([7, 5], [3, 3]), name="table")

    def build(images):
        padding = [[0, 0], [2, 1], [0, 3], [0, 0]]
        x = tf.nn.conv2d(images, tf.tanh(kernel) * 0.5, [2, 1], padding)
        x = tf.nn.elu(x)
        # What Keras makes of groups, without the function around it.
        x = tf.nn.conv2d(x, groups, 1, "SAME")
        rows = tf.gather(table, tf.cast(tf.abs(images[:, :, 0, 0]) * 3, tf.int32) % 7)
        return tf.reduce_mean(x, [1, 2])[:, :5] + tf.reduce_sum(rows, 1)

    return function_model(build, {"kernel": kernel, "groups": groups, "table": table})


def registered(name, size):
    """A network of the registry on images of another size than it was made for."""
    network = SlimModel(get_spec(name), 5)
    variables = network.variables_by_name()
    return function_model(lambda x: network.network(x)[0], variables, (size, size, 3))


# ReLU and max-pool have kinks, where rounding decides which of two gradients is right.
_SMOOTH = {"Relu": "Elu", "Relu6": "Elu", "MaxPool": "AvgPool"}


def smooth(name, size):
    """A network of the registry with ELU in place of ReLU, and mean pools of max-pools."""
    network = SlimModel(get_spec(name), 5)

    def build(images):
        inside = tf.__internal__.FuncGraph("kinked")
        with inside.as_default():
            taken = tf.compat.v1.placeholder(images.dtype, images.shape)
            logits = network.network(taken)[0]
        stored = inside.as_graph_def()
        for node in stored.node:
            if node.op == "MaxPool":
                node.attr.pop("explicit_paddings")
            node.op = _SMOOTH.get(node.op, node.op)
        capture = tf.compat.v1.get_default_graph().capture
        given = {inner.op.name: capture(handle) for handle, inner in inside.captures}
        given[taken.op.name] = images
        return tf.graph_util.import_graph_def(stored, given, [logits.name], name="")[0]

    return function_model(build, network.variables_by_name(), (size, size, 3))
