"""Inception-ResNet-v2 (arXiv:1602.07261), with the names and shapes of the published checkpoint.

The published network: 299x299 images, 1001 classes with the background first, an auxiliary head.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.errors import NetworkError
from tfinspect.names import choices
from tfinspect.nets import inception_resnet_blocks as blocks
from tfinspect.nets.branches import Branch, concat_branches, conv
from tfinspect.nets.heads import AuxiliaryHead, Head, dense_auxiliary_head, dense_head
from tfinspect.nets.slim_compat import slim

Tensor = Any
Stage = Callable[[Tensor], Tensor]
OUTPUT_STRIDES = (8, 16)
# With an output stride of 8 the second reduction has no dilated form.
LAST_AT_STRIDE_8 = "PreAuxLogits"
HEAD = Head(
    "AvgPool_1a_8x8", "global_pool", "Dropout", "Logits", features_end_point="PreLogitsFlatten"
)
AUXILIARY_HEAD = AuxiliaryHead("Conv2d_1a_3x3", "Conv2d_1b_1x1", "Conv2d_2a_5x5", "Logits")


@dataclass(frozen=True)
class Variant:
    """How the convolutional part is built; its variables are the same in every variant.

    Attributes:
      final_endpoint: where to stop.
      output_stride: of the image over the 17x17 maps: 16, or 8 with dilated convolutions.
      align_feature_maps: pads so that the maps' corners stay over the image's corners.
      activation_fn: of the sums in the residual blocks.
    """

    final_endpoint: str = "Conv2d_7b_1x1"
    output_stride: int = 16
    align_feature_maps: bool = False
    activation_fn: blocks.Activation = tf.nn.relu


def inception_resnet_v2(
    images: Tensor,
    num_classes: int | None = 1001,
    is_training: bool = True,
    *,
    create_aux_logits: bool = True,
    dropout_keep_prob: float = 0.8,
    activation_fn: blocks.Activation = tf.nn.relu,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Builds the whole network under the variable scope `InceptionResnetV2`.

    Args:
      images: `[N, H, W, 3]` in -1..1, any float type; 299x299 as published.
      num_classes: columns of the logits; None stops at the global pool, without any head.
      is_training: batch statistics, an update of the moving ones, and dropout.
      create_aux_logits: builds the auxiliary head; its variables' shapes depend on H and W.
      dropout_keep_prob: part of the pooled features that training keeps.
      activation_fn: of the sums in the residual blocks.

    Returns:
      Logits `[N, num_classes]` and the end points: those of the convolutional part, `AuxLogits`,
      `global_pool` `[N, 1, 1, 1536]`, `PreLogitsFlatten` `[N, 1536]`, `Logits`, `Predictions`
      (softmax). Without classes the global pool stands in the place of the logits.
    """
    with (
        tf.compat.v1.variable_scope("InceptionResnetV2"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
    ):
        net, end_points = _convolutional_part(images, Variant(activation_fn=activation_fn))
        if create_aux_logits and num_classes:
            end_points["AuxLogits"] = dense_auxiliary_head(
                end_points["PreAuxLogits"], num_classes, AUXILIARY_HEAD
            )
        head = dataclasses.replace(HEAD, keep_prob=dropout_keep_prob)
        end_points |= dense_head(net, num_classes, head)
    return end_points["Logits" if num_classes else "global_pool"], end_points


def inception_resnet_v2_base(
    images: Tensor, variant: Variant | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Builds the convolutional part alone, under the variable scope `InceptionResnetV2`.

    Args:
      images: `[N, H, W, 3]`.
      variant: where it ends and how it is strided and padded; None is the published one.

    Returns:
      The last end point and all of them: `Conv2d_1a_3x3`, `Conv2d_2a_3x3`, `Conv2d_2b_3x3`,
      `MaxPool_3a_3x3`, `Conv2d_3b_1x1`, `Conv2d_4a_3x3`, `MaxPool_5a_3x3`, `Mixed_5b`, `Mixed_6a`,
      `PreAuxLogits`, `Mixed_7a`, `Conv2d_7b_1x1`.

    Raises:
      NetworkError: no such end point or output stride.
    """
    with tf.compat.v1.variable_scope("InceptionResnetV2"):
        return _convolutional_part(images, variant or Variant())


def _convolutional_part(images: Tensor, variant: Variant) -> tuple[Tensor, dict[str, Tensor]]:
    stages = _stages(variant)
    _check(variant, list(stages))
    padding = "SAME" if variant.align_feature_maps else "VALID"
    net, end_points = images, {}
    with slim.arg_scope([slim.conv2d, slim.max_pool2d, slim.avg_pool2d], stride=1, padding=padding):
        for name, stage in stages.items():
            net = end_points[name] = stage(net)
            if name == variant.final_endpoint:
                break
    return net, end_points


def _check(variant: Variant, existing: list[str]) -> None:
    wanted = variant.final_endpoint
    if wanted not in existing:
        raise NetworkError(f"no end point '{wanted}'; {choices(wanted, existing)}; name one.")
    if variant.output_stride not in OUTPUT_STRIDES:
        raise NetworkError(f"no output stride {variant.output_stride}; give 8 or 16.")
    too_far = existing.index(wanted) > existing.index(LAST_AT_STRIDE_8)
    if variant.output_stride == min(OUTPUT_STRIDES) and too_far:
        raise NetworkError(
            f"output stride 8 ends at '{LAST_AT_STRIDE_8}', before '{wanted}'; give "
            f"final_endpoint='{LAST_AT_STRIDE_8}' or an earlier one, or output_stride=16."
        )


def _stages(variant: Variant) -> dict[str, Stage]:
    """Returns end point -> what leads to it from the one before."""
    dilated = variant.output_stride == min(OUTPUT_STRIDES)
    stages: dict[str, Stage] = {layer.scope: layer.apply for layer in blocks.STEM}
    return stages | {
        "Mixed_5b": lambda net: _mixed(net, blocks.MIXED_5B, "Mixed_5b"),
        "Mixed_6a": lambda net: _mixed(
            _repeat(net, blocks.BLOCK35, (10, 0.17), "Repeat/block35", variant),
            blocks.mixed_6a(1 if dilated else 2),
            "Mixed_6a",
        ),
        "PreAuxLogits": lambda net: _dilated_repeat(net, 2 if dilated else 1, variant),
        "Mixed_7a": lambda net: _mixed(net, blocks.MIXED_7A, "Mixed_7a"),
        "Conv2d_7b_1x1": lambda net: conv("Conv2d_7b_1x1", 1536, 1).apply(
            _linear_block8(_repeat(net, blocks.BLOCK8, (9, 0.20), "Repeat_2/block8", variant))
        ),
    }


def _mixed(net: Tensor, branches: tuple[Branch, ...], scope: str) -> Tensor:
    with tf.compat.v1.variable_scope(scope):
        return concat_branches(net, branches)


def _repeat(
    net: Tensor,
    branches: tuple[Branch, ...],
    count_and_scale: tuple[int, float],
    scope: str,
    variant: Variant,
) -> Tensor:
    count, scale = count_and_scale
    return blocks.repeated(
        net, branches, count, scale=scale, activation_fn=variant.activation_fn, scope=scope
    )


def _dilated_repeat(net: Tensor, rate: int, variant: Variant) -> Tensor:
    with slim.arg_scope([slim.conv2d], rate=rate):
        return _repeat(net, blocks.BLOCK17, (20, 0.10), "Repeat_1/block17", variant)


def _linear_block8(net: Tensor) -> Tensor:
    return blocks.residual(net, blocks.BLOCK8, scale=1.0, activation_fn=None, scope="Block8")
