"""Residual units and their shortcuts, as slim layers under explicit scopes.

The letters of the shapes: N images, H rows, W columns, C channels. With `data_format="NCHW"` the
channels stand before the rows. Every unit returns the activations after its addition.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfinspect.errors import NetworkError
from tfinspect.names import choices
from tfinspect.nets.slim_compat import slim

Tensor = Any
SHORTCUTS = ("A", "B")


def channels(inputs: Tensor, data_format: str = "NHWC") -> int:
    """Returns the number of channels of `[N, H, W, C]` or `[N, C, H, W]` activations."""
    return int(inputs.shape[data_format.index("C")])


def pad(inputs: Tensor, data_format: str, **amounts: tuple[int, int]) -> Tensor:
    """Adds zeros before and after, along axes named by letter: `pad(x, "NHWC", H=(1, 1))`."""
    return tf.pad(inputs, [amounts.get(axis, (0, 0)) for axis in data_format])


@slim.add_arg_scope
def conv2d_padded(
    inputs: Tensor,
    filters: int,
    kernel_size: int,
    stride: int = 1,
    *,
    data_format: str = "NHWC",
    **conv2d_arguments: Any,
) -> Tensor:
    """Convolves; a strided kernel larger than 1 sees the same zeros on both sides.

    `SAME` pads an even size on the far side only. The original pads `(k - 1) // 2` before and the
    rest after, then convolves `VALID`; without a stride both are equal.

    Args:
      inputs: `[N, H, W, C]`.
      filters: output channels.
      kernel_size: rows and columns of the kernel.
      stride: step of the kernel along H and W.
      data_format: `NHWC` or `NCHW`.
      **conv2d_arguments: anything else that `slim.conv2d` takes.

    Returns:
      `[N, ceil(H / stride), ceil(W / stride), filters]`.
    """
    padding = "SAME"
    if stride > 1 and kernel_size > 1:
        before = (kernel_size - 1) // 2
        around = (before, kernel_size - 1 - before)
        inputs, padding = pad(inputs, data_format, H=around, W=around), "VALID"
    return slim.conv2d(
        inputs,
        filters,
        kernel_size,
        stride=stride,
        padding=padding,
        data_format=data_format,
        **conv2d_arguments,
    )


@slim.add_arg_scope
def shortcut(
    inputs: Tensor,
    filters: int,
    stride: int,
    *,
    kind: str = "A",
    normalizer_fn: Callable[..., Tensor] | None = None,
    data_format: str = "NHWC",
) -> Tensor:
    """Brings a unit's input to the shape of its output (arXiv:1512.03385, section 4.1).

    Args:
      inputs: `[N, H, W, C]`.
      filters: channels of the output.
      stride: of the unit; 1 leaves H and W as they are.
      kind: `A` without parameters: average pool, then zero channels on both sides, the odd one
        after (with equal filters only the pool); `B`: 1x1 convolution where the shape changes.
      normalizer_fn: applied after the 1x1 convolution; None leaves it linear.
      data_format: `NHWC` or `NCHW`.

    Returns:
      `[N, ceil(H / stride), ceil(W / stride), filters]`.

    Raises:
      NetworkError: another kind, or fewer channels with `A`.
    """
    if kind not in SHORTCUTS:
        raise NetworkError(f"no shortcut '{kind}'; {choices(kind, SHORTCUTS)}; choose one of them.")
    missing = filters - channels(inputs, data_format)
    if stride == 1 and missing == 0:
        return inputs
    if kind == "B":
        return slim.conv2d(
            inputs,
            filters,
            1,
            stride=stride,
            activation_fn=None,
            normalizer_fn=normalizer_fn,
            data_format=data_format,
            scope="shortcut",
        )
    if missing < 0:
        raise NetworkError(f"shortcut 'A' cannot drop {-missing} channels; use kind='B'.")
    if stride > 1:
        inputs = slim.avg_pool2d(
            inputs, stride, stride, padding="SAME", data_format=data_format, scope="shortcut"
        )
    return pad(inputs, data_format, C=(missing // 2, missing - missing // 2)) if missing else inputs


def residual_v1(
    inputs: Tensor, filters: int, stride: int = 1, *, kind: str = "A", scope: str
) -> Tensor:
    """Two 3x3 convolutions, then the addition, then ReLU (arXiv:1512.03385, figure 2).

    Args:
      inputs: `[N, H, W, C]`, already activated.
      filters: output channels.
      stride: of the first convolution and of the shortcut.
      kind: shortcut `A` or `B`; in `B` the projection has a batch normalization.
      scope: variable scope of the unit.

    Returns:
      `[N, ceil(H / stride), ceil(W / stride), filters]`, at least 0.
    """
    with tf.compat.v1.variable_scope(scope):
        residual = conv2d_padded(inputs, filters, 3, stride, scope="conv1")
        residual = conv2d_padded(residual, filters, 3, activation_fn=None, scope="conv2")
        identity = shortcut(inputs, filters, stride, kind=kind, normalizer_fn=slim.batch_norm)
        return tf.nn.relu(identity + residual)


def _preactivate(inputs: Tensor, before_residual: bool) -> tuple[Tensor, Tensor]:
    activated = slim.batch_norm(inputs, activation_fn=tf.nn.relu, scope="preact")
    return activated, activated if before_residual else inputs


def residual_v2(
    inputs: Tensor,
    filters: int,
    stride: int = 1,
    *,
    kind: str = "A",
    activate_before_residual: bool = False,
    scope: str,
) -> Tensor:
    """Full pre-activation: normalization and ReLU before each 3x3 convolution.

    arXiv:1603.05027, figure 4(e).

    Args:
      inputs: `[N, H, W, C]`, not activated.
      filters: output channels.
      stride: of the first convolution and of the shortcut.
      kind: shortcut `A` or `B`.
      activate_before_residual: the shortcut also starts from the activated input, as the first
        unit after a convolution needs it (appendix of the paper).
      scope: variable scope of the unit.

    Returns:
      `[N, ceil(H / stride), ceil(W / stride), filters]`, not activated.
    """
    with tf.compat.v1.variable_scope(scope):
        activated, identity = _preactivate(inputs, activate_before_residual)
        residual = conv2d_padded(activated, filters, 3, stride, scope="conv1")
        residual = conv2d_padded(
            residual, filters, 3, activation_fn=None, normalizer_fn=None, scope="conv2"
        )
        return shortcut(identity, filters, stride, kind=kind) + residual


def bottleneck_v2(
    inputs: Tensor,
    filters: int,
    stride: int = 1,
    *,
    kind: str = "B",
    activate_before_residual: bool = False,
    scope: str,
) -> Tensor:
    """Pre-activated 1x1, 3x3 and 1x1 convolutions, the inner two with a quarter of the filters.

    arXiv:1603.05027, figure 4(e) and section 4. The stride sits in the first 1x1 convolution.

    Args:
      inputs: `[N, H, W, C]`, not activated.
      filters: output channels, a multiple of 4.
      stride: of the first convolution and of the shortcut.
      kind: shortcut `A` or `B`.
      activate_before_residual: as in `residual_v2`.
      scope: variable scope of the unit.

    Returns:
      `[N, ceil(H / stride), ceil(W / stride), filters]`, not activated.
    """
    with tf.compat.v1.variable_scope(scope):
        activated, identity = _preactivate(inputs, activate_before_residual)
        residual = conv2d_padded(activated, filters // 4, 1, stride, scope="conv1")
        residual = conv2d_padded(residual, filters // 4, 3, scope="conv2")
        residual = conv2d_padded(
            residual, filters, 1, activation_fn=None, normalizer_fn=None, scope="conv3"
        )
        return shortcut(identity, filters, stride, kind=kind) + residual
