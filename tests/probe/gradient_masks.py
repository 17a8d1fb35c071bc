"""Ordinary gradients beside the branches that a forward pass took at its ReLUs and pools.

Float32 sums that are grouped in another way round in another way, and a value within rounding of a
kink then falls on its other side: the function that is differentiated is another one there.
"""

import contextlib

import numpy as np
import tensorflow as tf
from gradient_oracle import cross_entropy


@contextlib.contextmanager
def graph_as_written():
    """TensorFlow runs the ops of a graph one by one and fuses none, so that equal ops round alike.

    A convolution that is fused with the batch normalization behind it rounds otherwise.
    """
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        restored = {"disable_meta_optimizer": False, **before}
        tf.config.optimizer.set_experimental_options(restored)


def _pool_mask(op):
    """Random integers, whose sums are exact, sent back to the inputs that the pool took."""
    shape = [1, *op.outputs[0].shape[1:]]
    rows = tf.cast(tf.random.stateless_uniform(shape, [1, 2], 1, 1 << 16, tf.int32), tf.float32)
    return tf.raw_ops.MaxPoolGrad(
        orig_input=op.inputs[0],
        orig_output=op.outputs[0],
        grad=tf.repeat(rows, op.outputs[0].shape[0], 0),
        **{name: op.get_attr(name) for name in ("ksize", "strides", "padding")},
    )


def _masks(graph):
    """Returns `[N, ...]` of every ReLU and max-pool."""
    masks = []
    for op in graph.get_operations():
        if op.type in ("Relu", "Relu6"):
            masks.append(tf.sign(op.outputs[0]))
        if op.type == "Relu6":
            masks.append(op.outputs[0] >= 6)
        if op.type == "MaxPool":
            masks.append(_pool_mask(op))
    return masks


def ordinary(model, size):
    """Returns a function `(images, labels, example) -> (gradients by name, masks)`.

    The gradients are TensorFlow's own, of one example's loss, taken through a forward pass of a
    whole batch of `size`; the masks are that example's.
    """
    variables = {name: one for name, one in model.variables.items() if one.trainable}

    @tf.function(autograph=False)
    def run(images, labels, weights):
        logits = model.build(images).logits
        masks = _masks(tf.compat.v1.get_default_graph())
        loss = tf.reduce_sum(cross_entropy(labels, logits) * weights)
        gradients = tf.gradients(loss, list(variables.values()))
        dense = [
            tf.zeros(one.shape, one.dtype) if found is None else tf.convert_to_tensor(found)
            for found, one in zip(gradients, variables.values(), strict=True)
        ]
        return dense, masks

    def call(images, labels, example):
        weights = np.eye(size, dtype=np.float32)[example]
        gradients, masks = run(*map(tf.constant, (images, labels, weights)))
        named = dict(zip(variables, map(np.asarray, gradients), strict=True))
        return named, [np.asarray(mask[example]) for mask in masks]

    return call
