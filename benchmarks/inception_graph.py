"""MetaGraphs of Inception-ResNet-v2 to measure readers on; run as a script, in its own process.

`python benchmarks/inception_graph.py inference|training|saved_model PATH` exports the network as
TensorFlow 1 programs did: with shapes, op definitions, collections and a saver; `training` adds
losses, gradients and momentum; `saved_model` writes a directory, with initial values and a
signature. Architecture: arXiv:1602.07261, with the names of the published checkpoint.
"""

import sys
from pathlib import Path

import tensorflow as tf

from tfinspect.nets.slim_compat import slim, without_layer_warnings

NAMES_AND_SHAPES = Path(__file__).with_name("inception_resnet_v2_variables.txt")
v1 = tf.compat.v1
conv = slim.conv2d


def branches(net, described):
    """Runs branches of (filters, kernel, name[, stride]) side by side; a string is a pool."""
    outputs = []
    for number, layers in enumerate(described):
        with v1.variable_scope(f"Branch_{number}"):
            branch = net
            for layer in layers:
                if layer == "max":
                    branch = slim.max_pool2d(branch, 3, 2, padding="VALID", scope="MaxPool_1a_3x3")
                elif layer == "avg":
                    branch = slim.avg_pool2d(branch, 3, 1, padding="SAME", scope="AvgPool_0a_3x3")
                else:
                    filters, kernel, name, *stride = layer
                    padding = "VALID" if stride else "SAME"
                    step = stride[0] if stride else 1
                    branch = conv(branch, filters, kernel, step, padding, scope=f"Conv2d_{name}")
            outputs.append(branch)
    return tf.concat(outputs, 3)


def block(net, name, described, scale, activation=tf.nn.relu):
    with v1.variable_scope(name):
        mixed = branches(net, described)
        up = conv(
            mixed, net.shape[3], 1, normalizer_fn=None, activation_fn=None, scope="Conv2d_1x1"
        )
        net = net + up * scale
        return activation(net) if activation else net


BLOCK35 = (
    [(32, 1, "1x1")],
    [(32, 1, "0a_1x1"), (32, 3, "0b_3x3")],
    [(32, 1, "0a_1x1"), (48, 3, "0b_3x3"), (64, 3, "0c_3x3")],
)
BLOCK17 = (
    [(192, 1, "1x1")],
    [(128, 1, "0a_1x1"), (160, [1, 7], "0b_1x7"), (192, [7, 1], "0c_7x1")],
)
BLOCK8 = ([(192, 1, "1x1")], [(192, 1, "0a_1x1"), (224, [1, 3], "0b_1x3"), (256, [3, 1], "0c_3x1")])
MIXED_5B = (
    [(96, 1, "1x1")],
    [(48, 1, "0a_1x1"), (64, 5, "0b_5x5")],
    [(64, 1, "0a_1x1"), (96, 3, "0b_3x3"), (96, 3, "0c_3x3")],
    ["avg", (64, 1, "0b_1x1")],
)
MIXED_6A = (
    [(384, 3, "1a_3x3", 2)],
    [(256, 1, "0a_1x1"), (256, 3, "0b_3x3"), (384, 3, "1a_3x3", 2)],
    ["max"],
)
MIXED_7A = (
    [(256, 1, "0a_1x1"), (384, 3, "1a_3x3", 2)],
    [(256, 1, "0a_1x1"), (288, 3, "1a_3x3", 2)],
    [(256, 1, "0a_1x1"), (288, 3, "0b_3x3"), (320, 3, "1a_3x3", 2)],
    ["max"],
)


def base(net):
    net = conv(net, 32, 3, 2, "VALID", scope="Conv2d_1a_3x3")
    net = conv(net, 32, 3, 1, "VALID", scope="Conv2d_2a_3x3")
    net = conv(net, 64, 3, scope="Conv2d_2b_3x3")
    net = slim.max_pool2d(net, 3, 2, padding="VALID", scope="MaxPool_3a_3x3")
    net = conv(net, 80, 1, 1, "VALID", scope="Conv2d_3b_1x1")
    net = conv(net, 192, 3, 1, "VALID", scope="Conv2d_4a_3x3")
    net = slim.max_pool2d(net, 3, 2, padding="VALID", scope="MaxPool_5a_3x3")
    with v1.variable_scope("Mixed_5b"):
        net = branches(net, MIXED_5B)
    net = repeated(net, 10, "block35", BLOCK35, 0.17)
    with v1.variable_scope("Mixed_6a"):
        net = branches(net, MIXED_6A)
    net = repeated(net, 20, "block17", BLOCK17, 0.10)
    auxiliary = net
    with v1.variable_scope("Mixed_7a"):
        net = branches(net, MIXED_7A)
    net = repeated(net, 9, "block8", BLOCK8, 0.20)
    net = block(net, "Block8", BLOCK8, 1.0, None)
    return conv(net, 1536, 1, scope="Conv2d_7b_1x1"), auxiliary


def repeated(net, times, name, described, scale):
    with v1.variable_scope(None, "Repeat"):
        for number in range(times):
            net = block(net, f"{name}_{number + 1}", described, scale)
    return net


def logits(images, training):
    decay = slim.l2_regularizer(4e-5)
    norm = {"is_training": training, "decay": 0.9997, "epsilon": 0.001}
    with (
        v1.variable_scope("InceptionResnetV2"),
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected], weights_regularizer=decay, biases_regularizer=decay
        ),
        slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm, normalizer_params=norm),
    ):
        net, side = base(images)
        with v1.variable_scope("AuxLogits"):
            side = slim.avg_pool2d(side, 5, 3, padding="VALID", scope="Conv2d_1a_3x3")
            side = conv(side, 128, 1, scope="Conv2d_1b_1x1")
            side = conv(side, 768, 5, padding="VALID", scope="Conv2d_2a_5x5")
            side = slim.fully_connected(
                slim.flatten(side), 1001, activation_fn=None, scope="Logits"
            )
        with v1.variable_scope("Logits"):
            net = slim.avg_pool2d(net, 8, padding="VALID", scope="AvgPool_1a_8x8")
            net = slim.dropout(slim.flatten(net), 0.8, is_training=training, scope="Dropout")
            net = slim.fully_connected(net, 1001, activation_fn=None, scope="Logits")
            return net, side, tf.nn.softmax(net, name="Predictions")


def export(kind, path):
    with tf.Graph().as_default() as graph, without_layer_warnings():
        images = v1.placeholder(tf.float32, [None, 299, 299, 3], "images")
        training = kind == "training"
        net, side, _ = logits(images, training)
        step = v1.train.get_or_create_global_step()
        if training:
            labels = v1.placeholder(tf.int64, [None], "labels")
            for outputs, weight in ((net, 1.0), (side, 0.4)):
                v1.losses.sparse_softmax_cross_entropy(labels, outputs, weight)
            optimizer = v1.train.MomentumOptimizer(0.01, 0.9)
            with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
                optimizer.minimize(v1.losses.get_total_loss(), step)
        check_names()
        if kind == "saved_model":
            save(path, images, net)
        else:
            v1.train.Saver().export_meta_graph(path)
        return len(graph.get_operations())


def save(directory, images, net):
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(directory)
        sides = ({"images": images}, {"logits": net})
        signature = v1.saved_model.predict_signature_def(*sides)
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()


def check_names():
    published = {line.partition(" ")[0] for line in NAMES_AND_SHAPES.read_text().splitlines()}
    built = {variable.op.name for variable in v1.global_variables()} - {"global_step"}
    built = {name for name in built if not name.endswith("/Momentum")}
    if built != published:
        raise SystemExit(f"names differ: {sorted(built ^ published)[:10]}")


if __name__ == "__main__":
    print(export(*sys.argv[1:]))
