"""A small network as TensorFlow 1 leaves it after training: MetaGraph and checkpoint."""

import contextlib

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
SIZE, CLASSES = 6, 5
FEATURES = SIZE * SIZE * 4


@contextlib.contextmanager
def control_flow(functional):
    """Builds conditions as functions, or of Switch and Merge as TensorFlow 1 did."""
    before = v1.control_flow_v2_enabled()
    (v1.enable_control_flow_v2 if functional else v1.disable_control_flow_v2)()
    try:
        yield
    finally:
        (v1.enable_control_flow_v2 if before else v1.disable_control_flow_v2)()


def images(count=6, seed=0):
    return np.random.RandomState(seed).rand(count, SIZE, SIZE, 3).astype(np.float32)


def write(directory, training, *, queue=False, norm="fused", drop="select", resource=False):
    """Writes `model.ckpt` with its `.meta` and returns the variables' values by name.

    `training` is True, False, "placeholder" or "default"; `norm` "fused", "moments" or "alone"
    (without moving averages); `drop` "select", "floor" (with a placeholder) or "noise".
    """
    graph = tf.Graph()
    with graph.as_default(), v1.Session() as session:
        v1.set_random_seed(1)
        builder = _Network(training, norm, drop, resource)
        logits, labels = builder.build(*_input(queue))
        tf.nn.softmax(logits, name="probabilities")
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )
        v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        session.run(v1.global_variables_initializer())
        random = np.random.RandomState(3)
        for variable in builder.statistics:
            session.run(variable.assign(0.5 + random.rand(4)))
        v1.train.Saver().save(session, f"{directory}/model.ckpt")
        return {one.op.name: session.run(one) for one in v1.global_variables()}


def _input(queue):
    if queue:
        waiting = tf.queue.FIFOQueue(9, [tf.float32, tf.int64], [[SIZE, SIZE, 3], []], name="queue")
        return waiting.dequeue_many(4, name="batch")
    return (
        v1.placeholder(tf.float32, [None, SIZE, SIZE, 3], "images"),
        v1.placeholder(tf.int64, [None], "labels"),
    )


class _Network:
    def __init__(self, training, norm, drop, resource):
        self.norm, self.drop, self.resource = norm, drop, resource
        self.statistics = []
        self.training = {
            "placeholder": lambda: v1.placeholder(tf.bool, [], "is_training"),
            "default": lambda: v1.placeholder_with_default(False, [], "is_training"),
        }.get(training, lambda: training)()

    def variable(self, name, shape, trainable=True):
        return v1.get_variable(name, shape, trainable=trainable, use_resource=self.resource)

    def either(self, train, infer):
        if isinstance(self.training, bool):
            return train() if self.training else infer()
        return tf.cond(self.training, train, infer)

    def build(self, images, labels):
        with v1.variable_scope("net"):
            hidden = tf.nn.conv2d(
                images, self.variable("weights", [3, 3, 3, 4]), 1, "SAME", name="Conv2D"
            )
            hidden = tf.nn.relu(self.normalized(hidden), name="Relu")
            hidden = tf.reshape(hidden, [-1, FEATURES])
            hidden = self.dropped(hidden)
            kernel = self.variable("logits/weights", [FEATURES, CLASSES])
            biases = self.variable("logits/biases", [CLASSES])
            return tf.nn.bias_add(hidden @ kernel, biases, name="logits/BiasAdd"), labels

    def normalized(self, hidden):
        with v1.variable_scope("BatchNorm"):
            beta = self.variable("beta", [4])
            mean = self.variable("moving_mean", [4], False)
            variance = self.variable("moving_variance", [4], False)
            self.statistics = [mean, variance]

        def train():
            if self.norm == "moments":
                batch = tf.nn.moments(hidden, [0, 1, 2])
                made = tf.nn.batch_normalization(hidden, *batch, beta, None, 0.001)
            else:
                made, *batch = v1.nn.fused_batch_norm(hidden, tf.ones([4]), beta, epsilon=0.001)
            if self.norm != "alone":
                for kept, new in zip((mean, variance), batch, strict=True):
                    v1.assign_sub(kept, (kept - new) * 0.01)
            return made

        def infer():
            return v1.nn.fused_batch_norm(
                hidden, tf.ones([4]), beta, mean, variance, epsilon=0.001, is_training=False
            )[0]

        return self.either(train, infer)

    def dropped(self, hidden):
        if self.drop == "floor":
            keep = v1.placeholder(tf.float32, [], "keep")
            return hidden / keep * tf.floor(keep + v1.random_uniform(tf.shape(hidden)))
        if self.drop == "noise":
            return hidden + v1.random_uniform(tf.shape(hidden))
        return self.either(lambda: v1.nn.dropout(hidden, rate=0.5), lambda: hidden)


def reference(values, images):
    """Computes the logits in inference mode from the variables' values."""
    hidden = tf.nn.conv2d(images, values["net/weights"], 1, "SAME")
    statistics = [values[f"net/BatchNorm/moving_{name}"] for name in ("mean", "variance")]
    beta = values["net/BatchNorm/beta"]
    hidden = tf.nn.relu(tf.nn.batch_normalization(hidden, *statistics, beta, None, 0.001))
    hidden = tf.reshape(hidden, [len(images), -1])
    return hidden @ values["net/logits/weights"] + values["net/logits/biases"]
