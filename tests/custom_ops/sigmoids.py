"""The sigmoid of the original notes, under both forms, and ops that break a rule."""

import numpy as np
import tensorflow as tf

from tfinspect import custom_op


def composed_sigmoid(x, k):
    return 1 / (1 + tf.exp(-k * x))


def numpy_sigmoid(x, k=1.0):
    return 1 / (1 + np.exp(-k * x))


def sigmoid_gradient(op, upstream):
    x, k = op.inputs
    (y,) = op.outputs
    slope = upstream * y * (1 - y)
    return slope * k, slope * x


def make(gradient=sigmoid_gradient, forward=numpy_sigmoid, output=lambda x, k: x, **kwargs):
    return custom_op(forward, output=output, gradient=gradient, **kwargs)


X = np.linspace(-2, 2.5, 6).reshape(2, 3)
K = 1.5
