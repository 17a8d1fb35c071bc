"""Classifiers and auxiliary classifiers of the ImageNet networks, at any image size.

The published heads pool with the kernel that the default image size leaves; here the pool covers
the whole map, which is the same there. Logits are computed in float32 whatever the activations are.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.nets.branches import avg_pool, chain, conv
from tfinspect.nets.slim_compat import slim

Tensor = Any


@dataclass(frozen=True)
class Head:
    """The scopes of a classifier, under `Logits`, and what its end points are called.

    Attributes:
      pool: scope of the global average pool.
      pool_end_point: of the pool's output `[N, 1, 1, C]`.
      dropout: scope of the dropout.
      logits: scope of the layer that gives the logits.
      keep_prob: part of the pooled features that training keeps.
      features_end_point: of the features after the dropout; None has no end point.
    """

    pool: str
    pool_end_point: str
    dropout: str
    logits: str
    keep_prob: float = 0.8
    features_end_point: str | None = None


@dataclass(frozen=True)
class AuxiliaryHead:
    """The scopes of an auxiliary classifier, under `AuxLogits`.

    Attributes:
      pool: scope of the 5x5 average pool of stride 3.
      reduction: scope of the 1x1 convolution to 128 channels.
      features: scope of the convolution that covers the whole map.
      logits: scope of the layer that gives the logits.
    """

    pool: str
    reduction: str
    features: str
    logits: str


def in_float32(net: Tensor) -> Tensor:
    """Returns bfloat16 activations in float32, and others as they are."""
    return tf.cast(net, tf.float32) if net.dtype == tf.bfloat16 else net


def squeeze(net: Tensor, name: str = "SpatialSqueeze") -> Tensor:
    """Returns `[N, C]` of `[N, 1, 1, C]`."""
    return tf.squeeze(net, [1, 2], name=name)


def global_pool(net: Tensor, scope: str) -> Tensor:
    """Averages `[N, H, W, C]` over H and W to `[N, 1, 1, C]` float32; H and W may be unknown."""
    net = in_float32(net)
    height, width = net.shape[1:3]
    if height is None or width is None:
        return tf.reduce_mean(net, [1, 2], keepdims=True, name=scope)
    return avg_pool(scope, (height, width), stride=1, padding="VALID").apply(net)


def convolutional_head(net: Tensor, num_classes: int, head: Head) -> dict[str, Tensor]:
    """Pools, drops out and classifies with a 1x1 convolution, under the scope `Logits`.

    Args:
      net: `[N, H, W, C]`.
      num_classes: columns of the logits.
      head: scopes and names.

    Returns:
      The end points: the pool's, the features' if they have a name, `Logits` `[N, num_classes]`
      and `Predictions` (softmax).
    """
    end_points = {}
    with tf.compat.v1.variable_scope("Logits"):
        pooled = end_points[head.pool_end_point] = global_pool(net, head.pool)
        features = slim.dropout(pooled, head.keep_prob, scope=head.dropout)
        if head.features_end_point:
            end_points[head.features_end_point] = features
        layer = conv(head.logits, num_classes, 1, activation_fn=None, normalizer_fn=None)
        logits = squeeze(layer.apply(features))
    return end_points | _with_predictions(logits)


def dense_head(net: Tensor, num_classes: int | None, head: Head) -> dict[str, Tensor]:
    """Pools, drops out and classifies with a fully connected layer, under the scope `Logits`.

    Args:
      net: `[N, H, W, C]`.
      num_classes: columns of the logits; None stops after the pool.
      head: scopes and names.

    Returns:
      The end points, as those of `convolutional_head`; the features are `[N, C]`.
    """
    end_points = {}
    with tf.compat.v1.variable_scope("Logits"):
        pooled = end_points[head.pool_end_point] = global_pool(net, head.pool)
        if not num_classes:
            return end_points
        features = slim.dropout(squeeze(pooled, "Flatten"), head.keep_prob, scope=head.dropout)
        end_points[str(head.features_end_point)] = features
        logits = slim.fully_connected(features, num_classes, activation_fn=None, scope=head.logits)
    return end_points | _with_predictions(logits)


def _with_predictions(logits: Tensor) -> dict[str, Tensor]:
    return {"Logits": logits, "Predictions": tf.nn.softmax(logits, name="Predictions")}


def auxiliary_features(net: Tensor, head: AuxiliaryHead) -> Tensor:
    """Returns the 768 features `[N, 1, 1, 768]` of an auxiliary head for `[N, H, W, C]`.

    The last kernel covers what the pool leaves, 5x5 at 299x299: its shape depends on H and W.
    """
    net = chain(
        net,
        (
            avg_pool(head.pool, 5, stride=3, padding="VALID"),
            conv(head.reduction, 128, 1),
        ),
    )
    kernel = tuple(net.shape[1:3])
    return in_float32(conv(head.features, 768, kernel, padding="VALID").apply(net))


def dense_auxiliary_head(net: Tensor, num_classes: int, head: AuxiliaryHead) -> Tensor:
    """Returns the auxiliary logits `[N, num_classes]`, under the scope `AuxLogits`."""
    with tf.compat.v1.variable_scope("AuxLogits"):
        features = squeeze(auxiliary_features(net, head), "Flatten")
        return slim.fully_connected(features, num_classes, activation_fn=None, scope=head.logits)
