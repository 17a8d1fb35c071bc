"""The layers of Inception blocks as data: what is convolved or pooled, and in which scope.

A block is a tuple of branches, a branch a tuple of layers. Padding, normalization and activation
that a layer does not name come from the slim arg scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.nets.slim_compat import slim

Tensor = Any
Kernel = int | tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """One convolution or pool.

    Attributes:
      op: `conv2d`, `max_pool2d` or `avg_pool2d`.
      scope: its variable scope.
      arguments: of the slim layer, after the inputs.
      options: of the slim layer, by name.
    """

    op: str
    scope: str
    arguments: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...] = ()

    def apply(self, inputs: Tensor) -> Tensor:
        """Returns the layer's output for `[N, H, W, C]`."""
        function = getattr(slim, self.op)
        return function(inputs, *self.arguments, scope=self.scope, **dict(self.options))


@dataclass(frozen=True)
class Fork:
    """Layers side by side on the same inputs, concatenated along the channels."""

    layers: tuple[Layer, ...]

    def apply(self, inputs: Tensor) -> Tensor:
        """Returns `[N, H, W, sum of the layers' filters]`."""
        return tf.concat([layer.apply(inputs) for layer in self.layers], 3)


Branch = Sequence[Layer | Fork]


def conv(scope: str, filters: int, kernel: Kernel, **options: Any) -> Layer:
    """Describes a convolution; options are slim's, such as `stride` and `padding`."""
    return Layer("conv2d", scope, (filters, kernel), tuple(options.items()))


def max_pool(scope: str, kernel: Kernel, **options: Any) -> Layer:
    """Describes a maximum pool, whose stride is the arg scope's unless it is given."""
    return Layer("max_pool2d", scope, (kernel,), tuple(options.items()))


def avg_pool(scope: str, kernel: Kernel, **options: Any) -> Layer:
    """Describes an average pool, whose stride is the arg scope's unless it is given."""
    return Layer("avg_pool2d", scope, (kernel,), tuple(options.items()))


def chain(inputs: Tensor, branch: Branch) -> Tensor:
    """Runs the layers of a branch one after the other."""
    for layer in branch:
        inputs = layer.apply(inputs)
    return inputs


def concat_branches(inputs: Tensor, branches: Sequence[Branch]) -> Tensor:
    """Runs every branch on the same inputs, in scopes `Branch_0`, `Branch_1` and so on.

    Returns:
      `[N, H, W, C]`, the branches' outputs one after the other along the channels.
    """
    outputs = []
    for index, branch in enumerate(branches):
        with tf.compat.v1.variable_scope(f"Branch_{index}"):
            outputs.append(chain(inputs, branch))
    return tf.concat(outputs, 3)
