"""ResNet v1 for CIFAR in plain `tf.nn` ops and one `tf.function`: what TensorFlow itself can do.

The same arithmetic as ours: L2 on kernels, momentum, batch statistics and their moving averages.
"""

import tensorflow as tf

DECAY, EPSILON = 0.997, 1.001e-5


class BareResNet:
    def __init__(self, depth: int, num_classes: int, learning_rate: float, weight_decay: float):
        self.depth, self.learning_rate, self.weight_decay = depth, learning_rate, weight_decay
        self.kernels, self.others, self.moving = [], [], []
        self._build(num_classes)
        self.trainable = self.kernels + self.others
        self.slots = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in self.trainable]
        self.step = tf.function(self._step)

    def _build(self, num_classes: int) -> None:
        inputs = 3
        for filters in self._filters():
            shape = [3, 3, inputs, filters]
            deviation = (2 / (9 * inputs)) ** 0.5
            self.kernels.append(tf.Variable(tf.random.stateless_normal(shape, [1, 2]) * deviation))
            self.others += [tf.Variable(tf.ones(filters)), tf.Variable(tf.zeros(filters))]
            self.moving.append((tf.Variable(tf.zeros(filters)), tf.Variable(tf.ones(filters))))
            inputs = filters
        dense = tf.random.stateless_normal([64, num_classes], [1, 2]) * 0.125
        self.kernels.append(tf.Variable(dense))
        self.others.append(tf.Variable(tf.zeros(num_classes)))

    def _filters(self) -> list[int]:
        per_stage = (self.depth - 2) // 3
        return [16] + [filters for filters in (16, 32, 64) for _ in range(per_stage)]

    def _convolve(self, images, index: int, stride: int):
        padding = "SAME"
        if stride == 2:
            images, padding = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]]), "VALID"
        outputs = tf.nn.conv2d(images, self.kernels[index], stride, padding)
        gamma, beta = self.others[2 * index : 2 * index + 2]
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            outputs, gamma, beta, epsilon=EPSILON, is_training=True
        )
        moving_mean, moving_variance = self.moving[index]
        moving_mean.assign_sub((1 - DECAY) * (moving_mean - mean))
        moving_variance.assign_sub((1 - DECAY) * (moving_variance - variance))
        return outputs

    def _logits(self, images):
        outputs = tf.nn.relu(self._convolve(images, 0, 1))
        per_stage = (self.depth - 2) // 3
        for index in range(1, 3 * per_stage, 2):
            stride = 2 if index in (per_stage + 1, 2 * per_stage + 1) else 1
            residual = tf.nn.relu(self._convolve(outputs, index, stride))
            residual = self._convolve(residual, index + 1, 1)
            if stride == 2:
                half = outputs.shape[-1] // 2
                outputs = tf.nn.avg_pool2d(outputs, 2, 2, "SAME")
                outputs = tf.pad(outputs, [[0, 0], [0, 0], [0, 0], [half, half]])
            outputs = tf.nn.relu(outputs + residual)
        return tf.reduce_mean(outputs, [1, 2]) @ self.kernels[-1] + self.others[-1]

    def _step(self, images, labels):
        with tf.GradientTape() as tape:
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self._logits(images))
            decay = self.weight_decay * tf.add_n([tf.nn.l2_loss(v) for v in self.kernels])
            loss = tf.reduce_mean(entropy) + decay
        gradients = tape.gradient(loss, self.trainable)
        for variable, slot, gradient in zip(self.trainable, self.slots, gradients, strict=True):
            slot.assign(0.9 * slot + gradient)
            variable.assign_sub(self.learning_rate * slot)
        return loss
