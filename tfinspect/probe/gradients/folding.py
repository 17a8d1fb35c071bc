"""A convolution and the batch normalization behind it, differentiated together.

In inference mode y = f (z - mean) / s + offset with z = conv(x, W), s the standard deviation and f
the scale. With R the kernel's gradient for dy in place of dz,

    dW = R f / s,    df = (sum over (r, c, i) of W R - mean sum dy) / s

so that neither dz nor z are needed: R is smaller than z where the maps are large, and TensorFlow
fuses the normalization into the forward convolution, because nothing else reads z.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2

from tfinspect.probe.gradients.axis_rules import BATCH_NORMS
from tfinspect.probe.gradients.contribution import Contribution
from tfinspect.probe.gradients.convolution import kernel_gradient
from tfinspect.probe.gradients.layers import (
    inverse_deviation,
    offset_gradient,
    scale_gradient,
)
from tfinspect.probe.gradients.sites import Op, Site, Tensor

_FROZEN_GRADIENT = "TfinspectFrozenBatchNorm"


@tf.RegisterGradient(_FROZEN_GRADIENT)  # type: ignore[untyped-decorator]
def _frozen_gradient(op: Op, dy: Tensor, *unused: Any) -> list[Tensor | None]:
    # TensorFlow's own kernel computes all three at once, though x alone is wanted as a rule.
    del unused
    slope = tf.cast(op.inputs[1] * inverse_deviation(op), dy.dtype)
    if op.get_attr("data_format").decode().startswith("NC"):
        slope = tf.reshape(slope, [-1, 1, 1])
    sums = (make(op, dy, 1).blocks()[0][0] for make in (scale_gradient, offset_gradient))
    return [dy * slope, *sums, None, None]


def freeze(ops: Sequence[Op]) -> None:
    """Gives the batch normalizations among ops a gradient with respect to x alone."""
    value = attr_value_pb2.AttrValue(s=_FROZEN_GRADIENT.encode())
    for op in ops:
        if op.type in BATCH_NORMS and not op.get_attr("is_training"):
            op._set_attr("_gradient_op_type", value)


@dataclass(frozen=True)
class Fold:
    """A convolution and the normalization that alone reads its output."""

    convolution: Op
    normalization: Op

    def contributions(self, dy: Tensor, examples: int) -> dict[tuple[int, int], Contribution]:
        """Returns those of the kernel and of the scale, by (id of the op, index of its input)."""
        kernel = kernel_gradient(self.convolution, dy, examples)
        made: list[list[Tensor]] = []

        def raw() -> list[Tensor]:
            if not made:
                made.append(kernel.blocks())
            return made[0]

        inverse = inverse_deviation(self.normalization)

        def kernel_blocks() -> list[Tensor]:
            factor = inverse * self.normalization.inputs[1]
            return [block * factor for block in raw()]

        def scale_blocks() -> list[Tensor]:
            weights = self.convolution.inputs[1]
            parts = tf.split(tf.reshape(weights, [-1, weights.shape[-1]]), len(raw()))
            products = [tf.reduce_sum(w * r, 1) for w, r in zip(parts, raw(), strict=True)]
            offset = tf.reduce_sum(tf.reshape(dy, [examples, -1, dy.shape[-1]]), 1)
            return [(tf.add_n(products) - self.normalization.inputs[3] * offset) * inverse]

        return {
            (id(self.convolution), 1): Contribution(kernel.rule, kernel_blocks),
            (id(self.normalization), 1): Contribution("batch normalization, folded", scale_blocks),
        }


def find_folds(sites: Sequence[Site], examples: int) -> list[Fold]:
    """Returns the pairs for which folding is the cheaper way: maps larger than kernels."""
    folds = []
    for site in sites:
        op = site.op
        if op.type != "Conv2D" or op.get_attr("data_format") != b"NHWC":
            continue
        consumers = op.outputs[0].consumers()
        if len(consumers) == 1 and _foldable(op, consumers[0], examples):
            folds.append(Fold(op, consumers[0]))
    return folds


def _foldable(convolution: Op, normalization: Op, examples: int) -> bool:
    kernel, outputs = convolution.inputs[1].shape, convolution.outputs[0].shape
    positions = outputs[1] * outputs[2] * (outputs[0] // examples)
    return bool(
        normalization.type in BATCH_NORMS
        and normalization.inputs[0] is convolution.outputs[0]
        and not normalization.get_attr("is_training")
        and outputs.rank == 4
        and convolution.inputs[1].dtype == tf.float32
        and kernel[2] == convolution.inputs[0].shape[3]
        and positions >= kernel[0] * kernel[1] * kernel[2]
    )
