"""Tensors inside a network in training, for a few fixed images, in inference mode."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.entries import TensorEntry
from tfinspect.errors import ConfigError
from tfinspect.listing import select_pattern
from tfinspect.model import Built, Traced
from tfinspect.model.trace import trace
from tfinspect.names import nearest
from tfinspect.training.trainer import Trainer

IMAGES = 16
TENSORS = 128


@dataclass(frozen=True, eq=False)
class LayerActivation:
    """Values of one tensor, `[N, ..., C]`, and the type of the op that makes them."""

    op_type: str
    values: np.ndarray


class ActivationPass:
    """The chosen tensors of a trainer's network: call it for their present values.

    Attributes:
      tensors: in the order of the graph.
    """

    def __init__(self, trainer: Trainer, images: Any, pattern: str) -> None:
        """Traces the network, once.

        Args:
          trainer: whose network it is.
          images: `[N, H, W, C]` as the network takes them; the first few are used.
          pattern: regular expression found anywhere in a tensor's name.

        Raises:
          ConfigError: it is none, or matches no tensor, or too many.
        """
        self._images = tf.identity(images[:IMAGES])
        traced = _on_first_replica(trainer)
        self.tensors = matching(traced, pattern)
        self._run = traced.wrapped.prune([traced.images], self.tensors)

    def __call__(self) -> dict[str, LayerActivation]:
        """Returns op name -> what it gives now."""
        values = self._run(self._images)
        return {
            tensor.name.removesuffix(":0"): LayerActivation(tensor.op.type, value.numpy())
            for tensor, value in zip(self.tensors, values, strict=True)
        }


def _on_first_replica(trainer: Trainer) -> Traced:
    """Traces the network with the variables of this host's first replica.

    Seen from outside the replicas, the moving statistics would be put together from all hosts, and
    the others would wait for a call that only the chief makes.
    """
    network = trainer.model
    found: list[Traced] = []

    @tf.autograph.experimental.do_not_convert
    def traced() -> None:
        if not found:
            shape = (None, *network.spec.image_shape)
            found.append(
                trace(lambda x: Built(*network.network(x, False)), "images", "float32", shape)
            )

    trainer.strategy.run(traced)
    return found[0]


def matching(traced: Traced, pattern: str) -> list[Any]:
    """Returns the tensors of numbers per image whose names a pattern is found in.

    Raises:
      ConfigError: there is none, or too many, or it is no regular expression.
    """
    outputs = [out for op in traced.graph.get_operations() for out in op.outputs]
    possible = {out.name: out for out in outputs if _per_image(out)}
    entries = [
        TensorEntry(name, out.op.name, out.op.type, out.dtype.name, None)
        for name, out in possible.items()
    ]
    chosen = [possible[entry.name] for entry in _selected(entries, pattern)]
    if len(chosen) > TENSORS:
        raise ConfigError(
            f"the pattern '{pattern}' matches {len(chosen)} tensors, and at most {TENSORS} are "
            "summarized; give a narrower one."
        )
    return chosen


def _selected(entries: list[TensorEntry], pattern: str) -> list[TensorEntry]:
    try:
        return select_pattern(entries, pattern)
    except ConfigError as error:
        # Patterns are short, and whole names too long to be near to one.
        parts = {part for entry in entries for part in entry.op.split("/")}
        close = nearest(pattern, parts)
        if not close:
            raise
        listed = ", ".join(f"'{part}'" for part in close)
        raise ConfigError(f"{error} Nearest parts of names: {listed}.") from error


def _per_image(tensor: Any) -> bool:
    shape = tensor.shape
    return bool(tensor.dtype.is_floating and shape.rank and shape[0] is None)
