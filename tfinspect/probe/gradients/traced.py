"""What is traced for gradients, for norms and for clipped sums."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.probe.gradients import assemble
from tfinspect.probe.gradients.fallback import by_single_examples
from tfinspect.probe.gradients.graph import Differentiated, Loss, differentiate
from tfinspect.probe.gradients.inputs import check_connected

Tensor = Any
SKETCH = "last layer"
SKETCH_LENGTH = 4096


@dataclass(frozen=True)
class Batch:
    """Tensors of one chunk.

    Attributes:
      images: `[N, H, W, C]`.
      labels: `[N, ...]`.
      weights: float32 `[N]`: the clip norm, 0 for examples that only fill the chunk.
    """

    images: Tensor
    labels: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Result:
    """What a trace returns: tensors by name, and the rules in words."""

    losses: Tensor
    logits: Tensor
    values: dict[str, Tensor]
    rules: dict[str, str]


def _differentiated(
    model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]
) -> tuple[Differentiated, dict[str, Tensor], dict[str, str]]:
    graph = differentiate(model, batch.images, batch.labels, loss, variables)
    check_connected(model, graph.connected, variables)
    others = {name: variables[name] for name in graph.others}
    way, fallback = by_single_examples(model, (batch.images, batch.labels), loss, others)
    return graph, fallback, assemble.rules(graph, variables, way)


def _gradients(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    graph, fallback, rules = _differentiated(model, batch, loss, variables)
    values = assemble.full(graph, variables, fallback)
    return Result(graph.losses, graph.logits, values, rules)


def _norms(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    graph, fallback, rules = _differentiated(model, batch, loss, variables)
    values = assemble.norms(graph, variables, fallback)
    return Result(graph.losses, graph.logits, values, rules)


def _clipped(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    """The gradient of the losses weighted by `min(1, clip_norm / norm)`: no gradient is kept."""
    result = _norms(model, batch, loss, variables)
    squares = tf.add_n([tf.square(norm) for norm in result.values.values()])
    norms = tf.sqrt(squares)
    filled = tf.cast(batch.weights > 0, tf.float32)
    scales = tf.stop_gradient(tf.minimum(filled, tf.math.divide_no_nan(batch.weights, norms)))
    # An example without a gradient has nothing to clip.
    scales = tf.where(norms > 0, scales, filled)
    gradients = tf.gradients(tf.reduce_sum(result.losses * scales), list(variables.values()))
    values = {
        name: tf.zeros(variable.shape, variable.dtype) if g is None else tf.convert_to_tensor(g)
        for (name, variable), g in zip(variables.items(), gradients, strict=True)
    }
    return Result(result.losses, result.logits, values, result.rules)


def _ranking(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    """Norms, and under `SKETCH` the gradients of the last layer, `[N, D]`."""
    graph, fallback, rules = _differentiated(model, batch, loss, variables)
    values = assemble.norms(graph, variables, fallback)
    last = _last_layer(graph, variables)
    full = assemble.full(graph, last, fallback)
    flat = tf.concat([tf.reshape(one, [graph.examples, -1]) for one in full.values()], 1)
    return Result(graph.losses, graph.logits, values | {SKETCH: _sketched(flat)}, rules)


def _last_layer(graph: Differentiated, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the variables of the last layer with a kernel, and of what comes behind it."""
    places = [i for i, part in enumerate(graph.parts) if part.contribution.factors is not None]
    found = {name for part in graph.parts[max(places, default=0) :] for name in part.site.names}
    return {name: variables[name] for name in found or list(variables)[-1:]}


def _sketched(flat: Tensor) -> Tensor:
    """A count sketch (arXiv:0902.2206) of long rows: it keeps their inner products roughly."""
    length = int(flat.shape[1])
    if length <= SKETCH_LENGTH:
        return flat
    random = np.random.RandomState(0)
    signs = random.choice(np.array([-1.0, 1.0], np.float32), length)
    places = random.randint(0, SKETCH_LENGTH, length)
    sums = tf.math.unsorted_segment_sum(tf.transpose(flat * signs), places, SKETCH_LENGTH)
    return tf.transpose(sums)


TRACES: dict[str, Callable[..., Result]] = {
    "full": _gradients,
    "norms": _norms,
    "clipped": _clipped,
    "ranking": _ranking,
}
