"""Inception v4 (arXiv:1602.07261, figures 3 to 9), with the names of the published checkpoint."""

import dataclasses
from typing import Any

import tensorflow as tf

from tfinspect.nets.branches import (
    Branch,
    Fork,
    Layer,
    avg_pool,
    concat_branches,
    conv,
    max_pool,
)
from tfinspect.nets.heads import AuxiliaryHead, Head, dense_auxiliary_head, dense_head
from tfinspect.nets.slim_compat import slim

Tensor = Any
VALID = {"padding": "VALID"}
HALVED = {"stride": 2, "padding": "VALID"}
HEAD = Head(
    "AvgPool_1a", "global_pool", "Dropout_1b", "Logits", features_end_point="PreLogitsFlatten"
)
AUXILIARY_HEAD = AuxiliaryHead("AvgPool_1a_5x5", "Conv2d_1b_1x1", "Conv2d_2a", "Aux_logits")

INCEPTION_A: tuple[Branch, ...] = (
    (conv("Conv2d_0a_1x1", 96, 1),),
    (conv("Conv2d_0a_1x1", 64, 1), conv("Conv2d_0b_3x3", 96, 3)),
    (conv("Conv2d_0a_1x1", 64, 1), conv("Conv2d_0b_3x3", 96, 3), conv("Conv2d_0c_3x3", 96, 3)),
    (avg_pool("AvgPool_0a_3x3", 3), conv("Conv2d_0b_1x1", 96, 1)),
)
REDUCTION_A: tuple[Branch, ...] = (
    (conv("Conv2d_1a_3x3", 384, 3, **HALVED),),
    (
        conv("Conv2d_0a_1x1", 192, 1),
        conv("Conv2d_0b_3x3", 224, 3),
        conv("Conv2d_1a_3x3", 256, 3, **HALVED),
    ),
    (max_pool("MaxPool_1a_3x3", 3, **HALVED),),
)
INCEPTION_B: tuple[Branch, ...] = (
    (conv("Conv2d_0a_1x1", 384, 1),),
    (
        conv("Conv2d_0a_1x1", 192, 1),
        conv("Conv2d_0b_1x7", 224, (1, 7)),
        conv("Conv2d_0c_7x1", 256, (7, 1)),
    ),
    (
        conv("Conv2d_0a_1x1", 192, 1),
        conv("Conv2d_0b_7x1", 192, (7, 1)),
        conv("Conv2d_0c_1x7", 224, (1, 7)),
        conv("Conv2d_0d_7x1", 224, (7, 1)),
        conv("Conv2d_0e_1x7", 256, (1, 7)),
    ),
    (avg_pool("AvgPool_0a_3x3", 3), conv("Conv2d_0b_1x1", 128, 1)),
)
REDUCTION_B: tuple[Branch, ...] = (
    (conv("Conv2d_0a_1x1", 192, 1), conv("Conv2d_1a_3x3", 192, 3, **HALVED)),
    (
        conv("Conv2d_0a_1x1", 256, 1),
        conv("Conv2d_0b_1x7", 256, (1, 7)),
        conv("Conv2d_0c_7x1", 320, (7, 1)),
        conv("Conv2d_1a_3x3", 320, 3, **HALVED),
    ),
    (max_pool("MaxPool_1a_3x3", 3, **HALVED),),
)
INCEPTION_C: tuple[Branch, ...] = (
    (conv("Conv2d_0a_1x1", 256, 1),),
    (
        conv("Conv2d_0a_1x1", 384, 1),
        Fork((conv("Conv2d_0b_1x3", 256, (1, 3)), conv("Conv2d_0c_3x1", 256, (3, 1)))),
    ),
    (
        conv("Conv2d_0a_1x1", 384, 1),
        conv("Conv2d_0b_3x1", 448, (3, 1)),
        conv("Conv2d_0c_1x3", 512, (1, 3)),
        Fork((conv("Conv2d_0d_1x3", 256, (1, 3)), conv("Conv2d_0e_3x1", 256, (3, 1)))),
    ),
    (avg_pool("AvgPool_0a_3x3", 3), conv("Conv2d_0b_1x1", 256, 1)),
)
STEM_3A: tuple[Branch, ...] = (
    (max_pool("MaxPool_0a_3x3", 3, **HALVED),),
    (conv("Conv2d_0a_3x3", 96, 3, **HALVED),),
)
STEM_4A: tuple[Branch, ...] = (
    (conv("Conv2d_0a_1x1", 64, 1), conv("Conv2d_1a_3x3", 96, 3, **VALID)),
    (
        conv("Conv2d_0a_1x1", 64, 1),
        conv("Conv2d_0b_1x7", 64, (1, 7)),
        conv("Conv2d_0c_7x1", 64, (7, 1)),
        conv("Conv2d_1a_3x3", 96, 3, **VALID),
    ),
)
STEM_5A: tuple[Branch, ...] = (
    (conv("Conv2d_1a_3x3", 192, 3, **HALVED),),
    (max_pool("MaxPool_1a_3x3", 3, **HALVED),),
)
_Stage = Layer | tuple[Branch, ...]
# End point -> what leads to it from the one before; a block's scope is the end point's name.
STAGES: dict[str, _Stage] = {
    "Conv2d_1a_3x3": conv("Conv2d_1a_3x3", 32, 3, **HALVED),
    "Conv2d_2a_3x3": conv("Conv2d_2a_3x3", 32, 3, **VALID),
    "Conv2d_2b_3x3": conv("Conv2d_2b_3x3", 64, 3),
    "Mixed_3a": STEM_3A,
    "Mixed_4a": STEM_4A,
    "Mixed_5a": STEM_5A,
    **{f"Mixed_5{letter}": INCEPTION_A for letter in "bcde"},
    "Mixed_6a": REDUCTION_A,
    **{f"Mixed_6{letter}": INCEPTION_B for letter in "bcdefgh"},
    "Mixed_7a": REDUCTION_B,
    **{f"Mixed_7{letter}": INCEPTION_C for letter in "bcd"},
}


def inception_v4(
    images: Tensor,
    num_classes: int = 1001,
    is_training: bool = True,
    *,
    create_aux_logits: bool = True,
    dropout_keep_prob: float = 0.8,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Builds the network under the variable scope `InceptionV4`.

    Args:
      images: `[N, H, W, 3]` in -1..1, any float type; 299x299 as published.
      num_classes: columns of the logits.
      is_training: batch statistics, an update of the moving ones, and dropout.
      create_aux_logits: builds the auxiliary head on `Mixed_6h`.
      dropout_keep_prob: part of the pooled features that training keeps.

    Returns:
      Logits `[N, num_classes]` and the end points: those of `STAGES`, `AuxLogits`, `global_pool`
      `[N, 1, 1, 1536]`, `PreLogitsFlatten` `[N, 1536]`, `Logits`, `Predictions` (softmax).
    """
    with (
        tf.compat.v1.variable_scope("InceptionV4"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
        slim.arg_scope([slim.conv2d, slim.max_pool2d, slim.avg_pool2d], stride=1, padding="SAME"),
    ):
        net, end_points = images, {}
        for name, stage in STAGES.items():
            net = end_points[name] = _run(net, stage, name)
        if create_aux_logits:
            end_points["AuxLogits"] = dense_auxiliary_head(
                end_points["Mixed_6h"], num_classes, AUXILIARY_HEAD
            )
        head = dataclasses.replace(HEAD, keep_prob=dropout_keep_prob)
        end_points |= dense_head(net, num_classes, head)
    return end_points["Logits"], end_points


def _run(net: Tensor, stage: _Stage, scope: str) -> Tensor:
    if isinstance(stage, Layer):
        return stage.apply(net)
    with tf.compat.v1.variable_scope(scope):
        return concat_branches(net, stage)
