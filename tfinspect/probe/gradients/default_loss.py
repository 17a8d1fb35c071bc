"""The loss of a model for which none is given: its last op says which.

Softmax, or none: the softmax cross-entropy of class numbers `[N]`. Sigmoid: the mean over the
outputs of their binary cross-entropies, from the Sigmoid's input; labels are `[N, outputs]` of 0
to 1, and of a single output `[N]` as well. The mean over outputs is what Keras takes.
"""

from typing import Any

import numpy as np

from tfinspect.errors import DataError, NetworkError
from tfinspect.model.output import before_sigmoid

Tensor = Any


def as_labels(array: np.ndarray) -> np.ndarray:
    """Returns labels in a dtype that the losses take: int64 class numbers, or floats."""
    kinds = {"i": np.int64, "u": np.int64, "b": np.float32}
    return array.astype(kinds.get(array.dtype.kind, array.dtype))


def default_losses(model: Any, labels: Tensor, logits: Tensor) -> Tensor:
    """Returns each example's loss, float32 `[N]`.

    Args:
      model: for errors.
      labels: class numbers `[N]`, or `[N, outputs]` of 0 to 1 for sigmoids.
      logits: what the model gives, `[N, classes]`.

    Raises:
      NetworkError: the logits have another shape, or are one column without a sigmoid.
      DataError: labels of another shape or dtype than the model's end takes.
    """
    if logits.shape.rank != 2 or logits.shape[1] is None:
        raise NetworkError(
            f"the logits of '{model.name}' have the shape {logits.shape} and not [N, classes]; "
            "choose another output with output_name= (--output-name), or give a loss of your own."
        )
    raw = before_sigmoid(logits)
    return _softmax(model, labels, logits) if raw is None else _binary(model, labels, raw)


def _softmax(model: Any, labels: Tensor, logits: Tensor) -> Tensor:
    import tensorflow as tf

    if logits.shape[1] == 1:
        raise NetworkError(
            f"'{model.name}' has one column of logits, for which the softmax cross-entropy is "
            "always 0; give a loss of your own, such as the sigmoid cross-entropy."
        )
    if not labels.dtype.is_integer or labels.shape.rank != 1:
        raise DataError(
            f"labels of dtype {labels.dtype.name} and shape [N{_rest(labels)}] are no class "
            "numbers [N]; give integers, or a loss of your own for other labels."
        )
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.cast(logits, tf.float32))


def _binary(model: Any, labels: Tensor, logits: Tensor) -> Tensor:
    import tensorflow as tf

    outputs = int(logits.shape[1])
    if labels.shape.rank == 1 and outputs > 1:
        raise DataError(
            f"'{model.name}' ends in {outputs} sigmoids, of which several may be on, and labels "
            f"[N] do not say which; give [N, {outputs}] of 0 and 1 to `per_example_gradients`. "
            "Folders with one label per image fit a model with a softmax."
        )
    shapes = ([], [1]) if outputs == 1 else ([outputs],)
    numbers = labels.dtype.is_integer or labels.dtype.is_floating
    if labels.shape[1:].as_list() not in shapes or not numbers:
        raise DataError(
            f"labels of dtype {labels.dtype.name} and shape [N{_rest(labels)}] do not fit the "
            f"{outputs} sigmoids of '{model.name}'; give [N, {outputs}] of 0 and 1."
        )
    targets = tf.reshape(tf.cast(labels, tf.float32), logits.shape)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
    return tf.reduce_mean(losses, 1)


def _rest(labels: Tensor) -> str:
    return "".join(f", {size}" for size in labels.shape[1:])


def check_values(labels: np.ndarray, classes: int) -> None:
    """Refuses labels that the model has no output for.

    Args:
      labels: of a shape that the losses took.
      classes: columns of the logits.

    Raises:
      DataError: names the first such example.
    """
    numbers = labels.ndim == 1 and classes > 1
    known = (labels >= 0) & ((labels < classes) if numbers else (labels <= 1))
    if known.all():
        return
    first = int(np.argmin(known.reshape(len(labels), -1).all(axis=1)))
    if numbers:
        raise DataError(
            f"label {labels[first]} of example {first} is unknown to the model, whose {classes} "
            f"logits stand for the labels 0 to {classes - 1}; give labels in its order."
        )
    wrong = labels[first].reshape(-1)[~known[first].reshape(-1)][0]
    raise DataError(
        f"label {wrong:g} of example {first} is no target of a sigmoid, which lies between 0 and "
        "1; give 0 or 1."
    )
