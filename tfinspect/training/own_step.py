"""A step of training whose figures are of its own examples, over all replicas.

Keras would report running means of all that is in a batch, fillers too, and add them up with an
all-reduce for each. Here a step's sums, and what the processes ask for, travel with its gradients.
"""

from typing import Any

import tensorflow as tf
import tf_keras

from tfinspect.nets.synchronized_batch_norm import synchronized


class Requests:
    """What this process asks of all: each step tells everybody what any of them has asked for."""

    def __init__(self, count: int) -> None:
        # Of this process alone, whatever strategy is in force; Keras must not find it either.
        self.given = tf.Variable(tf.zeros([count]), trainable=False, name="requests")
        self._set = (False,) * count

    def set(self, *flags: bool) -> None:
        """Sets what the next step will tell."""
        if flags != self._set:
            self._set = flags
            self.given.assign([float(flag) for flag in flags])


class OwnStep:
    """What a compiled Keras model does in a step of `fit`; mixed in before the model's class.

    Attributes:
      requests: what is told with each step; None in a process that trains alone.
      synchronizes_batch_norm: whether normalizations take the statistics of all replicas' examples.
    """

    requests: Requests | None = None
    synchronizes_batch_norm = False

    def train_step(self: Any, data: Any) -> dict[str, tf.Tensor]:
        """Trains on this replica's part of one batch `(inputs, labels[, weights])`.

        Returns:
          Of the whole batch: `loss`, the weighted mean over the examples with the L2 terms;
          `accuracy`, 0..1, and `examples`, both of those that weigh more than nothing; `requests`,
          how many processes ask for what, if they do.
        """
        inputs, labels, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            with synchronized(self.synchronizes_batch_norm, weights):
                logits = self(inputs, training=True)
            each = self.loss.call(labels, logits)
            weights = tf.ones_like(each) if weights is None else tf.cast(weights, each.dtype)
            # Every replica has as many examples: the mean of their means is that of the batch.
            loss = tf.reduce_mean(each * weights) / replicas
            penalty = tf.add_n(self.losses) if self.losses else tf.zeros_like(loss)
            total = loss + penalty / replicas
        gradients = tape.gradient(total, self.trainable_variables)
        sums = [loss, *_hits(labels, logits, weights)]
        gradients, sums = _all_reduced(gradients, sums + self._requested(), replicas)
        pairs = list(zip(gradients, self.trainable_variables, strict=True))
        self.optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
        loss, hits, examples, *requests = sums
        logs = {"loss": loss + penalty, "accuracy": hits / examples, "examples": examples}
        return logs | ({"requests": tf.stack(requests)} if requests else {})

    def _requested(self: Any) -> list[tf.Tensor]:
        return [] if self.requests is None else tf.unstack(self.requests.given.read_value())


def _hits(labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    counted = tf.cast(weights > 0, weights.dtype)
    labels = tf.cast(tf.reshape(labels, [-1]), tf.int64)
    right = tf.cast(tf.argmax(logits, axis=-1) == labels, weights.dtype)
    return tf.reduce_sum(right * counted), tf.reduce_sum(counted)


def _all_reduced(gradients: list[Any], sums: list[Any], replicas: int) -> tuple[list, list]:
    """Adds up gradients (None where there is none) and scalars over the replicas, in one call."""
    packed = tf.stack([tf.cast(one, sums[0].dtype) for one in sums])
    if replicas > 1:
        known = [one for one in gradients if one is not None]
        context = tf.distribute.get_replica_context()
        *known, packed = context.all_reduce(tf.distribute.ReduceOp.SUM, [*known, packed])
        reduced = iter(known)
        gradients = [None if one is None else next(reduced) for one in gradients]
    return gradients, tf.unstack(packed)
