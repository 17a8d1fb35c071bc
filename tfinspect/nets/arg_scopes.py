"""The slim arg scopes of the ImageNet networks, with one signature for all of them.

Each takes `weight_decay` (factor of the L2 terms; 0 adds none) and `batch_norm_decay` (of the
moving averages, per step).
"""

from typing import Any

import tensorflow as tf

from tfinspect.nets.slim_compat import slim, slim_nets

# TensorFlow 1.15's fused kernel raised the 1e-5 of ResNets to this; 2.21 takes what it is given.
FUSED_EPSILON = 1.001e-5


def inception_resnet_v2_arg_scope(
    weight_decay: float = 4e-5,
    batch_norm_decay: float = 0.9997,
    batch_norm_epsilon: float = 1e-3,
    activation_fn: Any = tf.nn.relu,
    batch_norm_scale: bool = False,
) -> Any:
    """Returns the arg scope under which `inception_resnet_v2` is built.

    Args:
      weight_decay: factor of the L2 terms on kernels and biases.
      batch_norm_decay: of the moving averages, per step.
      batch_norm_epsilon: added to the variance.
      activation_fn: after each normalized convolution.
      batch_norm_scale: whether the normalizations have a gamma; the published network has none.
    """
    regularizer = _l2(weight_decay)
    with (
        slim.arg_scope(
            [slim.batch_norm],
            decay=batch_norm_decay,
            epsilon=batch_norm_epsilon,
            scale=batch_norm_scale,
        ),
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected],
            weights_regularizer=regularizer,
            biases_regularizer=regularizer,
        ),
        slim.arg_scope(
            [slim.conv2d], activation_fn=activation_fn, normalizer_fn=slim.batch_norm
        ) as scope,
    ):
        return scope


def inception_arg_scope(
    weight_decay: float = 4e-5, batch_norm_decay: float = 0.9997, batch_norm_epsilon: float = 1e-3
) -> Any:
    """Returns the arg scope of Inception v1 to v4, whose normalizations have no gamma.

    Args:
      weight_decay: factor of the L2 terms on the kernels.
      batch_norm_decay: of the moving averages, per step.
      batch_norm_epsilon: added to the variance.
    """
    with (
        slim.arg_scope([slim.batch_norm], decay=batch_norm_decay, epsilon=batch_norm_epsilon),
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected],
            weights_regularizer=_l2(weight_decay),
        ),
        slim.arg_scope(
            [slim.conv2d],
            weights_initializer=slim.variance_scaling_initializer(),
            activation_fn=tf.nn.relu,
            normalizer_fn=slim.batch_norm,
        ) as scope,
    ):
        return scope


def resnet_arg_scope(weight_decay: float = 1e-4, batch_norm_decay: float = 0.997) -> Any:
    """Returns the arg scope of ResNet v1 and v2, with the epsilon that TensorFlow 1.15 gave them.

    Args:
      weight_decay: factor of the L2 terms on the kernels.
      batch_norm_decay: of the moving averages, per step.
    """
    published = slim_nets.resnet_utils.resnet_arg_scope(
        batch_norm_decay=batch_norm_decay, batch_norm_epsilon=FUSED_EPSILON
    )
    return _decayed(published, weight_decay)


def mobilenet_arg_scope(weight_decay: float = 4e-5, batch_norm_decay: float = 0.9997) -> Any:
    """Returns the arg scope of MobileNet v1 and v2: L2 on kernels, none on depthwise ones.

    Args:
      weight_decay: factor of the L2 terms.
      batch_norm_decay: of the moving averages, per step; v1 was published with 0.9997, v2 with
        0.997.
    """
    layers = [slim.conv2d, slim.separable_conv2d]
    with (
        slim.arg_scope([slim.batch_norm], decay=batch_norm_decay, epsilon=1e-3, scale=True),
        slim.arg_scope(
            layers,
            weights_initializer=tf.compat.v1.truncated_normal_initializer(stddev=0.09),
            activation_fn=tf.nn.relu6,
            normalizer_fn=slim.batch_norm,
            padding="SAME",
        ),
        slim.arg_scope([slim.conv2d], weights_regularizer=_l2(weight_decay)) as scope,
    ):
        return scope


def fully_convolutional_arg_scope(
    weight_decay: float = 5e-4, batch_norm_decay: float | None = None, *, network: str
) -> Any:
    """Returns the arg scope of VGG, AlexNet or OverFeat, which have no batch normalization.

    Args:
      weight_decay: factor of the L2 terms on the kernels.
      batch_norm_decay: of nothing; every network takes it.
      network: module of `tf_slim.nets`: `vgg`, `alexnet` or `overfeat`.
    """
    del batch_norm_decay
    functions = {"alexnet": "alexnet_v2_arg_scope"}
    name = functions.get(network, f"{network}_arg_scope")
    return _decayed(getattr(getattr(slim_nets, network), name)(), weight_decay)


def _decayed(published: Any, weight_decay: float) -> Any:
    with (
        slim.arg_scope(published),
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected], weights_regularizer=_l2(weight_decay)
        ) as scope,
    ):
        return scope


def _l2(weight_decay: float) -> Any:
    # Of 0 slim makes a regularizer that returns nothing, which layers still try to name.
    return slim.l2_regularizer(weight_decay) if weight_decay else None
