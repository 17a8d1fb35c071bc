"""The blocks of Inception-ResNet-v2 (arXiv:1602.07261, figures 3 and 16 to 19).

The published network differs from the paper's figures in its stem and in some filters; its
checkpoint decides here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfinspect.nets.blocks import channels
from tfinspect.nets.branches import Branch, avg_pool, concat_branches, conv, max_pool
from tfinspect.nets.slim_compat import slim

Tensor = Any
Activation = Callable[[Tensor], Tensor]
# Where the padding is not named, `VALID` shrinks the map and `SAME` keeps the maps aligned.
SAME = {"padding": "SAME"}

STEM = (
    conv("Conv2d_1a_3x3", 32, 3, stride=2),
    conv("Conv2d_2a_3x3", 32, 3),
    conv("Conv2d_2b_3x3", 64, 3, **SAME),
    max_pool("MaxPool_3a_3x3", 3, stride=2),
    conv("Conv2d_3b_1x1", 80, 1),
    conv("Conv2d_4a_3x3", 192, 3),
    max_pool("MaxPool_5a_3x3", 3, stride=2),
)
MIXED_5B: tuple[Branch, ...] = (
    (conv("Conv2d_1x1", 96, 1),),
    (conv("Conv2d_0a_1x1", 48, 1), conv("Conv2d_0b_5x5", 64, 5, **SAME)),
    (
        conv("Conv2d_0a_1x1", 64, 1),
        conv("Conv2d_0b_3x3", 96, 3, **SAME),
        conv("Conv2d_0c_3x3", 96, 3, **SAME),
    ),
    (avg_pool("AvgPool_0a_3x3", 3, **SAME), conv("Conv2d_0b_1x1", 64, 1)),
)
MIXED_7A: tuple[Branch, ...] = (
    (conv("Conv2d_0a_1x1", 256, 1), conv("Conv2d_1a_3x3", 384, 3, stride=2)),
    (conv("Conv2d_0a_1x1", 256, 1), conv("Conv2d_1a_3x3", 288, 3, stride=2)),
    (
        conv("Conv2d_0a_1x1", 256, 1),
        conv("Conv2d_0b_3x3", 288, 3, **SAME),
        conv("Conv2d_1a_3x3", 320, 3, stride=2),
    ),
    (max_pool("MaxPool_1a_3x3", 3, stride=2),),
)
BLOCK35: tuple[Branch, ...] = (
    (conv("Conv2d_1x1", 32, 1),),
    (conv("Conv2d_0a_1x1", 32, 1), conv("Conv2d_0b_3x3", 32, 3, **SAME)),
    (
        conv("Conv2d_0a_1x1", 32, 1),
        conv("Conv2d_0b_3x3", 48, 3, **SAME),
        conv("Conv2d_0c_3x3", 64, 3, **SAME),
    ),
)
BLOCK17: tuple[Branch, ...] = (
    (conv("Conv2d_1x1", 192, 1),),
    (
        conv("Conv2d_0a_1x1", 128, 1),
        conv("Conv2d_0b_1x7", 160, (1, 7), **SAME),
        conv("Conv2d_0c_7x1", 192, (7, 1), **SAME),
    ),
)
BLOCK8: tuple[Branch, ...] = (
    (conv("Conv2d_1x1", 192, 1),),
    (
        conv("Conv2d_0a_1x1", 192, 1),
        conv("Conv2d_0b_1x3", 224, (1, 3), **SAME),
        conv("Conv2d_0c_3x1", 256, (3, 1), **SAME),
    ),
)


def mixed_6a(stride: int) -> tuple[Branch, ...]:
    """Returns the reduction block before the 17x17 maps; stride 1 keeps them at 35x35."""
    return (
        (conv("Conv2d_1a_3x3", 384, 3, stride=stride),),
        (
            conv("Conv2d_0a_1x1", 256, 1),
            conv("Conv2d_0b_3x3", 256, 3, **SAME),
            conv("Conv2d_1a_3x3", 384, 3, stride=stride),
        ),
        (max_pool("MaxPool_1a_3x3", 3, stride=stride),),
    )


def residual(
    inputs: Tensor,
    branches: Sequence[Branch],
    *,
    scale: float,
    activation_fn: Activation | None,
    scope: str,
) -> Tensor:
    """Adds scaled branches to the inputs (arXiv:1602.07261, section 3.3 and figure 20).

    Args:
      inputs: `[N, H, W, C]`.
      branches: concatenated and brought to C channels by a linear 1x1 convolution.
      scale: factor on the residual before the addition.
      activation_fn: of the sum; None leaves it linear.
      scope: variable scope of the block.

    Returns:
      The shape of the inputs.
    """
    with tf.compat.v1.variable_scope(scope):
        mixed = concat_branches(inputs, branches)
        residuals = slim.conv2d(
            mixed,
            channels(inputs),
            1,
            normalizer_fn=None,
            activation_fn=None,
            scope="Conv2d_1x1",
        )
        residuals = scale * residuals
        if activation_fn is tf.nn.relu6:
            # As published: a sum of bounded activations and unbounded residuals has no range.
            residuals = tf.clip_by_value(residuals, -6.0, 6.0)
        total = inputs + residuals
        return total if activation_fn is None else activation_fn(total)


def repeated(
    inputs: Tensor,
    branches: Sequence[Branch],
    count: int,
    *,
    scale: float,
    activation_fn: Activation | None,
    scope: str,
) -> Tensor:
    """Runs a residual block several times, under scopes `{scope}_1` to `{scope}_{count}`."""
    for index in range(1, count + 1):
        inputs = residual(
            inputs, branches, scale=scale, activation_fn=activation_fn, scope=f"{scope}_{index}"
        )
    return inputs
