"""MobileNet v1 (arXiv:1704.04861, table 1), with the names of the published checkpoints."""

from typing import Any

import tensorflow as tf

from tfinspect.nets.heads import Head, convolutional_head
from tfinspect.nets.slim_compat import slim

Tensor = Any
# (stride of the depthwise convolution, filters of the pointwise one) of layers 1 to 13.
LAYERS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    *((1, 512),) * 5,
    (2, 1024),
    (1, 1024),
)
FEWEST_FILTERS = 8
HEAD = Head("AvgPool_1a", "AvgPool_1a", "Dropout_1b", "Conv2d_1c_1x1", keep_prob=0.999)


def mobilenet_v1(
    images: Tensor, num_classes: int = 1001, is_training: bool = True, *, multiplier: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """Builds the network under the variable scope `MobilenetV1`.

    Args:
      images: `[N, H, W, 3]` in -1..1, any float type; 224x224 as published.
      num_classes: columns of the logits.
      is_training: batch statistics, an update of the moving ones, and dropout.
      multiplier: factor on the filters (section 3.3 of the paper); at least 8 are kept.

    Returns:
      Logits `[N, num_classes]` and the end points: `Conv2d_0`, `Conv2d_1_depthwise`,
      `Conv2d_1_pointwise` and so on to 13, `AvgPool_1a` `[N, 1, 1, C]`, `Logits`, `Predictions`
      (softmax).
    """
    end_points: dict[str, Tensor] = {}
    with (
        tf.compat.v1.variable_scope("MobilenetV1"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
    ):
        first = _filters(32, multiplier)
        net = end_points["Conv2d_0"] = slim.conv2d(images, first, 3, stride=2, scope="Conv2d_0")
        for index, (stride, filters) in enumerate(LAYERS, start=1):
            name = f"Conv2d_{index}_depthwise"
            net = end_points[name] = slim.separable_conv2d(net, None, 3, 1, stride, scope=name)
            name = f"Conv2d_{index}_pointwise"
            net = slim.conv2d(net, _filters(filters, multiplier), 1, scope=name)
            end_points[name] = net
        end_points |= convolutional_head(net, num_classes, HEAD)
    return end_points["Logits"], end_points


def _filters(filters: int, multiplier: float) -> int:
    return max(int(filters * multiplier), FEWEST_FILTERS)
