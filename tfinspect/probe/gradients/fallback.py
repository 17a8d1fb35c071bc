"""Gradients of whole models on batches of one, for what has no rule: right for any graph."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfinspect.probe.gradients.graph import Loss, losses_of

Tensor = Any
VECTORIZED, ONE_BY_ONE = "vectorized_map", "map_fn, one by one"


def by_single_examples(
    model: Any, batch: tuple[Tensor, Tensor], loss: Loss | None, variables: Mapping[str, Any]
) -> tuple[str, dict[str, Tensor]]:
    """Returns how it was done, and `[N, *shape]` of every variable.

    Args:
      model: a `Model`.
      batch: images and labels.
      loss: as `GradientProbe` takes it.
      variables: to differentiate with respect to; with none, nothing is built.
    """
    if not variables:
        return VECTORIZED, {}

    def one(example: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        image, label = example
        _, losses = losses_of(model, image[None], label[None], loss)
        gradients = tf.gradients(losses[0], list(variables.values()))
        return tuple(map(_dense, gradients, variables.values()))

    try:
        # A function of its own: what a failure leaves behind must not run.
        vectorized = tf.function(lambda both: tf.vectorized_map(one, both), autograph=False)
        way, found = VECTORIZED, vectorized(batch)
    except (TypeError, ValueError, NotImplementedError, tf.errors.OpError):
        # It has no conversion for some ops, such as tensor lists inside loops.
        types = tuple(variable.dtype for variable in variables.values())
        way, found = ONE_BY_ONE, tf.map_fn(one, batch, fn_output_signature=types)
    return way, dict(zip(variables, found, strict=True))


def _dense(gradient: Tensor | None, variable: Any) -> Tensor:
    if gradient is None:
        return tf.zeros(variable.shape, variable.dtype)
    return tf.ensure_shape(tf.convert_to_tensor(gradient), variable.shape)
