"""The slow, obvious per-example gradients: one ordinary gradient for each example, in a loop."""

import numpy as np
import tensorflow as tf


def cross_entropy(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.cast(logits, tf.float32))


def loop(model, images, labels, loss=cross_entropy, names=None):
    """Returns variable name -> `[N, *shape]`."""
    variables = {n: v for n, v in model.variables.items() if (n in names if names else v.trainable)}

    @tf.function(autograph=False)
    def one(image, label):
        value = loss(label, model.build(image).logits)[0]
        gradients = tf.gradients(value, list(variables.values()))
        return [
            tf.zeros(v.shape, v.dtype) if g is None else tf.convert_to_tensor(g)
            for g, v in zip(gradients, variables.values(), strict=True)
        ]

    rows = [
        one(tf.constant(images[i : i + 1]), tf.constant(labels[i : i + 1]))
        for i in range(len(images))
    ]
    return {name: np.stack([row[k] for row in rows]) for k, name in enumerate(variables)}


def flat_norms(arrays):
    """Returns `[N]` over all arrays `[N, ...]`."""
    return np.sqrt(sum(np.square(a.astype(np.float64)).reshape(len(a), -1).sum(1) for a in arrays))


def worst(found, wanted):
    """Returns the largest relative error over variables, and the variable.

    Relative to the variable's gradients; gradients that are zero but for rounding, such as those of
    a bias before a softmax over keys, may differ by 1e-7 of the model's, float32's precision.
    """
    whole = np.sqrt(sum(np.linalg.norm(want) ** 2 for want in wanted.values()))
    errors = {
        name: np.linalg.norm(found[name] - want) / max(np.linalg.norm(want), 1e-2 * whole)
        for name, want in wanted.items()
    }
    return max((error, name) for name, error in errors.items())


def randomized(model, seed=0):
    """Returns the model, whose variables are all moved away from zeros and ones."""
    random = np.random.RandomState(seed)
    for variable in model.variables.values():
        if variable.dtype.is_floating:
            variable.assign(np.asarray(variable) + random.uniform(-0.15, 0.2, variable.shape))
    return model


def batch(model, count=3, classes=5, seed=1):
    """Returns random images and labels that fit the model."""
    random = np.random.RandomState(seed)
    images = random.normal(size=(count, *model.image_shape)).astype(np.float32)
    return images, random.randint(0, classes, count)
