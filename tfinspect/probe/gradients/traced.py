"""What is traced for gradients, for norms and for clipped sums."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.probe.gradients import assemble
from tfinspect.probe.gradients.fallback import Singles, by_single_examples
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
) -> tuple[Differentiated, Singles, dict[str, str]]:
    graph = differentiate(model, batch.images, batch.labels, loss, variables)
    singles = by_single_examples(model, (batch.images, batch.labels), loss, graph, variables)
    check_connected(model, graph.connected | singles.connected, variables)
    return graph, singles, assemble.rules(graph, variables, singles.way)


def _gradients(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    graph, singles, rules = _differentiated(model, batch, loss, variables)
    values = assemble.full(graph, variables, singles.gradients)
    return Result(singles.losses, singles.logits, values, rules)


def _norms(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    graph, singles, rules = _differentiated(model, batch, loss, variables)
    values = assemble.norms(graph, variables, singles.gradients)
    return Result(singles.losses, singles.logits, values, rules)


def _clipped(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    """The gradient of the losses weighted by `min(1, clip_norm / norm)`: no gradient is kept."""
    graph, singles, rules = _differentiated(model, batch, loss, variables)
    scales = _scales(assemble.norms(graph, variables, singles.gradients), batch.weights)
    ruled = {name: one for name, one in variables.items() if name not in singles.gradients}
    gradients = tf.gradients(tf.reduce_sum(graph.losses * scales), list(ruled.values()))
    values = {
        name: tf.zeros(variable.shape, variable.dtype) if g is None else tf.convert_to_tensor(g)
        for (name, variable), g in zip(ruled.items(), gradients, strict=True)
    }
    # The batch may mix the examples where there is no rule: its own gradient is another one.
    for name, one in singles.gradients.items():
        values[name] = tf.tensordot(tf.cast(scales, one.dtype), one, 1)
    return Result(singles.losses, singles.logits, values, rules)


def _scales(norms: Mapping[str, Tensor], weights: Tensor) -> Tensor:
    total = tf.sqrt(tf.add_n([tf.square(norm) for norm in norms.values()]))
    filled = tf.cast(weights > 0, tf.float32)
    scales = tf.stop_gradient(tf.minimum(filled, tf.math.divide_no_nan(weights, total)))
    # An example without a gradient has nothing to clip.
    return tf.where(total > 0, scales, filled)


def _ranking(model: Any, batch: Batch, loss: Loss | None, variables: Mapping[str, Any]) -> Result:
    """Norms, and under `SKETCH` the gradients of the last layer, `[N, D]`."""
    graph, singles, rules = _differentiated(model, batch, loss, variables)
    values = assemble.norms(graph, variables, singles.gradients)
    last = _last_layer(graph, variables)
    full = assemble.full(graph, last, singles.gradients)
    flat = tf.concat([tf.reshape(one, [graph.examples, -1]) for one in full.values()], 1)
    return Result(singles.losses, singles.logits, values | {SKETCH: _sketched(flat)}, rules)


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
