"""Residual networks for 32x32 images: three stages of equal units between a convolution and a pool.

v1 as arXiv:1512.03385, section 4.2, and as the TensorFlow tutorial `cifar10_estimator` built it;
v2 and bottleneck with full pre-activation as arXiv:1603.05027, section 4.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.nets import blocks
from tfinspect.nets.heads import in_float32
from tfinspect.nets.slim_compat import slim

Tensor = Any
# TensorFlow 1.15's fused kernel raised the tutorial's 1e-5 to this; 2.21 takes what it is given.
BATCH_NORM_EPSILON = 1.001e-5
BATCH_NORM_DECAY = 0.997


@dataclass(frozen=True)
class Architecture:
    """What fixes a network's variables, apart from the number of classes.

    Attributes:
      unit: `v1`, `v2` or `bottleneck`.
      units_per_stage: n of 6n + 2 or 9n + 2 layers.
      width: factor on all filters (16, 32, 64, and four times that out of a bottleneck).
      shortcut: `A`, `B`, or None for the unit's own (A; B for bottlenecks).
    """

    unit: str
    units_per_stage: int
    width: float = 1.0
    shortcut: str | None = None

    def filters(self, stage: int) -> int:
        """Returns the output channels of a stage 1 to 3, or of the first convolution (0)."""
        inner = max(1, round(16 * 2 ** max(0, stage - 1) * self.width))
        return 4 * inner if self.unit == "bottleneck" and stage else inner


_UNITS = {
    "v1": blocks.residual_v1,
    "v2": blocks.residual_v2,
    "bottleneck": blocks.bottleneck_v2,
}


def cifar_resnet_arg_scope(
    weight_decay: float = 0.0,
    batch_norm_decay: float = BATCH_NORM_DECAY,
    batch_norm_epsilon: float = BATCH_NORM_EPSILON,
    data_format: str = "NHWC",
) -> Any:
    """Returns the slim arg scope under which `cifar_resnet` is built.

    Args:
      weight_decay: factor of the L2 terms on the kernels; batch normalization and biases have none.
      batch_norm_decay: of the moving averages, per step.
      batch_norm_epsilon: added to the variance.
      data_format: `NHWC` or `NCHW`; the second needs a device whose convolutions have it.
    """
    layout = [slim.conv2d, slim.batch_norm, slim.avg_pool2d]
    layout += [blocks.conv2d_padded, blocks.shortcut, cifar_resnet]
    regularizer = slim.l2_regularizer(weight_decay) if weight_decay else None
    # He et al., arXiv:1502.01852: a variance of 2 / fan_in keeps the scale through ReLU; the
    # classifier has no ReLU, so half of it.
    he_normal, lecun_normal = (
        tf.compat.v1.variance_scaling_initializer(scale, "fan_in", "untruncated_normal")
        for scale in (2.0, 1.0)
    )
    with (
        slim.arg_scope(layout, data_format=data_format),
        slim.arg_scope(
            [slim.batch_norm], decay=batch_norm_decay, epsilon=batch_norm_epsilon, scale=True
        ),
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected],
            biases_initializer=None,
            weights_regularizer=regularizer,
        ),
        slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm, weights_initializer=he_normal),
        slim.arg_scope(
            [slim.fully_connected],
            biases_initializer=tf.compat.v1.zeros_initializer(),
            weights_initializer=lecun_normal,
        ) as scope,
    ):
        return scope


@slim.add_arg_scope
def cifar_resnet(
    images: Tensor,
    num_classes: int,
    is_training: bool,
    *,
    architecture: Architecture,
    data_format: str = "NHWC",
) -> tuple[Tensor, dict[str, Tensor]]:
    """Builds the network under the variable scope `resnet`.

    Args:
      images: `[N, H, W, C]` in either data format, float32 or bfloat16, after preprocessing.
      num_classes: columns of the logits.
      is_training: batch statistics instead of moving ones, which are then updated.
      architecture: unit, depth and width.
      data_format: how the activations are laid out.

    Returns:
      Logits `[N, num_classes]` float32 and the end points: `conv1`, `stage1/unit1` and so on in
      the activations' layout and type, `global_pool` `[N, C]`, `logits` and `predictions`
      (softmax) in float32.
    """
    with (
        tf.compat.v1.variable_scope("resnet"),
        slim.arg_scope([slim.batch_norm], is_training=is_training),
    ):
        if data_format == "NCHW":
            images = tf.transpose(images, [0, 3, 1, 2])
        end_points: dict[str, Tensor] = {}
        outputs = end_points["conv1"] = _first_convolution(images, architecture)
        end_points |= _stages(outputs, architecture)
        outputs = list(end_points.values())[-1]
        if architecture.unit != "v1":
            outputs = slim.batch_norm(outputs, activation_fn=tf.nn.relu, scope="postnorm")
            end_points["postnorm"] = outputs
        end_points |= _classifier(outputs, num_classes, data_format)
    return end_points["logits"], end_points


def _first_convolution(images: Tensor, architecture: Architecture) -> Tensor:
    filters = architecture.filters(0)
    if architecture.unit == "v1":
        return slim.conv2d(images, filters, 3, scope="conv1")
    # The first unit normalizes and activates it, before its shortcut.
    return slim.conv2d(images, filters, 3, activation_fn=None, normalizer_fn=None, scope="conv1")


def _stages(inputs: Tensor, architecture: Architecture) -> dict[str, Tensor]:
    unit, end_points = _UNITS[architecture.unit], {}
    for stage in (1, 2, 3):
        for position in range(1, architecture.units_per_stage + 1):
            first = position == 1
            options: dict[str, Any] = {"scope": f"stage{stage}/unit{position}"}
            if architecture.shortcut:
                options["kind"] = architecture.shortcut
            if architecture.unit != "v1" and stage == 1 and first:
                options["activate_before_residual"] = True
            inputs = unit(
                inputs, architecture.filters(stage), 2 if first and stage > 1 else 1, **options
            )
            end_points[options["scope"]] = inputs
    return end_points


def _classifier(inputs: Tensor, num_classes: int, data_format: str) -> dict[str, Tensor]:
    # In float32 whatever the activations are: a mean of 64 numbers and the logits need the digits.
    rows_and_columns = [data_format.index("H"), data_format.index("W")]
    pooled = tf.reduce_mean(in_float32(inputs), rows_and_columns, name="global_pool")
    logits = slim.fully_connected(pooled, num_classes, activation_fn=None, scope="logits")
    predictions = tf.nn.softmax(logits, name="predictions")
    return {"global_pool": pooled, "logits": logits, "predictions": predictions}
