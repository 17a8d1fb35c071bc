"""The loss: softmax cross-entropy of integer labels, with label smoothing."""

from typing import Any

import tensorflow as tf
import tf_keras


class CrossEntropy(tf_keras.losses.Loss):
    """Softmax cross-entropy of logits `[N, C]` against integer labels `[N]`.

    With smoothing s the target gives 1 - s + s/C to the label and s/C to every other class
    (arXiv:1512.00567, section 7).
    """

    def __init__(self, label_smoothing: float = 0.0, **reduction: Any) -> None:
        super().__init__(name="cross_entropy", **reduction)
        self.label_smoothing = label_smoothing

    @tf.autograph.experimental.do_not_convert
    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each example, float32 `[N]`, in nats."""
        labels = tf.cast(tf.reshape(y_true, [-1]), tf.int64)
        sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=y_pred)
        if not self.label_smoothing:
            return sparse
        spread = -tf.reduce_mean(tf.nn.log_softmax(y_pred), axis=-1)
        return (1.0 - self.label_smoothing) * sparse + self.label_smoothing * spread
