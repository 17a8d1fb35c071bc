"""MobileNet v2 (arXiv:1801.04381, table 2), with the names of the published checkpoints."""

from typing import Any

import tensorflow as tf

from tfinspect.nets.blocks import channels
from tfinspect.nets.heads import Head, convolutional_head
from tfinspect.nets.slim_compat import slim

Tensor = Any
# (expansion of the channels, stride, filters) of the inverted residuals, in scopes `expanded_conv`,
# `expanded_conv_1` and so on.
BLOCKS = (
    (1, 1, 16),
    (6, 2, 24),
    (6, 1, 24),
    (6, 2, 32),
    *((6, 1, 32),) * 2,
    (6, 2, 64),
    *((6, 1, 64),) * 3,
    *((6, 1, 96),) * 3,
    (6, 2, 160),
    *((6, 1, 160),) * 2,
    (6, 1, 320),
)
LAST_FILTERS = 1280
DIVISOR = 8
HEAD = Head("AvgPool", "global_pool", "Dropout", "Conv2d_1c_1x1")


def mobilenet_v2(
    images: Tensor, num_classes: int = 1001, is_training: bool = True, *, multiplier: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """Builds the network under the variable scope `MobilenetV2`.

    Args:
      images: `[N, H, W, 3]` in -1..1, any float type; 224x224 as published.
      num_classes: columns of the logits.
      is_training: batch statistics, an update of the moving ones, and dropout.
      multiplier: factor on the filters, which are then rounded to multiples of 8; below 1 the last
        convolution keeps its 1280.

    Returns:
      Logits `[N, num_classes]` and the end points: `layer_1` to `layer_19`, of the inverted
      residuals also `layer_3/expansion_output`, `layer_3/depthwise_output` and `layer_3/output`
      (before the addition), `global_pool` `[N, 1, 1, C]`, `Logits`, `Predictions` (softmax).
    """
    layers: dict[str, Tensor] = {}
    inner: dict[str, Tensor] = {}
    with (
        tf.compat.v1.variable_scope("MobilenetV2"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
    ):
        net = slim.conv2d(images, rounded(32 * multiplier), 3, stride=2, scope="Conv")
        layers["layer_1"] = net
        for index, (expansion, stride, filters) in enumerate(BLOCKS):
            scope = f"expanded_conv_{index}" if index else "expanded_conv"
            with tf.compat.v1.variable_scope(scope):
                outputs = _branch(net, expansion, stride, rounded(filters * multiplier))
            name = f"layer_{index + 2}"
            inner |= {f"{name}/{part}": output for part, output in outputs.items()}
            net = layers[name] = _added(net, outputs["output"], stride)
        last = rounded(LAST_FILTERS * max(1.0, multiplier))
        net = layers[f"layer_{len(BLOCKS) + 2}"] = slim.conv2d(net, last, 1, scope="Conv_1")
        end_points = layers | inner | convolutional_head(net, num_classes, HEAD)
    return end_points["Logits"], end_points


def rounded(filters: float) -> int:
    """Returns the nearest multiple of 8 that is not below nine tenths of a number of filters.

    >>> [rounded(filters) for filters in (48.0, 33.6, 5.6, 11.2)]
    [48, 32, 8, 16]
    """
    nearest = max(DIVISOR, int(filters + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest + DIVISOR if nearest < 0.9 * filters else nearest


def _branch(net: Tensor, expansion: int, stride: int, filters: int) -> dict[str, Tensor]:
    """Expands, filters each channel and projects (figure 4(d) of the paper)."""
    outputs = {}
    if expansion > 1:
        net = slim.conv2d(net, expansion * channels(net), 1, scope="expand")
        outputs["expansion_output"] = net
    net = slim.separable_conv2d(net, None, 3, 1, stride, scope="depthwise")
    outputs["depthwise_output"] = net
    outputs["output"] = slim.conv2d(net, filters, 1, activation_fn=None, scope="project")
    return outputs


def _added(inputs: Tensor, outputs: Tensor, stride: int) -> Tensor:
    same_shape = stride == 1 and channels(inputs) == channels(outputs)
    return inputs + outputs if same_shape else outputs
