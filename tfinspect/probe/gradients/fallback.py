"""Gradients of whole models on batches of one, for what has no rule: right for any graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from tfinspect.probe.gradients.graph import Differentiated, Loss, losses_of

Tensor = Any
VECTORIZED, ONE_BY_ONE = "vectorized_map", "map_fn, one by one"


@dataclass(frozen=True)
class Singles:
    """What batches of one gave.

    Attributes:
      way: how they were run.
      losses: float32 `[N]`.
      logits: `[N, classes]`.
      gradients: `[N, *shape]` of every variable that no rule covers.
      connected: those that the losses have a gradient by.
    """

    way: str
    losses: Tensor
    logits: Tensor
    gradients: dict[str, Tensor] = field(default_factory=dict)
    connected: frozenset[str] = frozenset()


def by_single_examples(
    model: Any,
    batch: tuple[Tensor, Tensor],
    loss: Loss | None,
    graph: Differentiated,
    variables: Mapping[str, Any],
) -> Singles:
    """Differentiates by the variables that no rule covers; without any, nothing is built.

    Args:
      model: a `Model`.
      batch: images and labels.
      loss: as `GradientProbe` takes it.
      graph: of the whole batch.
      variables: all chosen ones.
    """
    others = {name: variables[name] for name in graph.others}
    if not others:
        return Singles(VECTORIZED, graph.losses, graph.logits)
    connected: set[str] = set()

    def one(example: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        image, label = example
        logits, losses = losses_of(model, image[None], label[None], loss)
        gradients = tf.gradients(losses[0], list(others.values()))
        pairs = zip(others, gradients, strict=True)
        connected.update(name for name, gradient in pairs if gradient is not None)
        return losses[0], logits[0], *map(_dense, gradients, others.values())

    types = (tf.float32, graph.logits.dtype, *(variable.dtype for variable in others.values()))
    way, (losses, logits, *found) = _mapped(one, batch, types)
    logits = tf.ensure_shape(logits, graph.logits.shape)
    gradients = dict(zip(others, found, strict=True))
    return Singles(way, losses, logits, gradients, frozenset(connected))


def _mapped(one: Any, batch: tuple[Tensor, Tensor], types: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        # A function of its own: what a failure leaves behind must not run.
        vectorized = tf.function(lambda both: tf.vectorized_map(one, both), autograph=False)
        return VECTORIZED, vectorized(batch)
    except (TypeError, ValueError, NotImplementedError, tf.errors.OpError):
        # It has no conversion for some ops, such as tensor lists inside loops.
        return ONE_BY_ONE, tf.map_fn(one, batch, fn_output_signature=types)


def _dense(gradient: Tensor | None, variable: Any) -> Tensor:
    if gradient is None:
        return tf.zeros(variable.shape, variable.dtype)
    return tf.ensure_shape(tf.convert_to_tensor(gradient), variable.shape)
