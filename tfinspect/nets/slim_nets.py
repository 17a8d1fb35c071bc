"""The networks of `tf_slim.nets` with one signature: logits `[N, classes]` at any image size.

Their variables and end points have the names of the published checkpoints and of research/slim;
what `tf_slim` leaves out (the Inceptions' pools, `global_pool` and `spatial_squeeze` of ResNets) is
there too.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfinspect.nets.branches import conv
from tfinspect.nets.heads import (
    AuxiliaryHead,
    Head,
    auxiliary_features,
    convolutional_head,
    in_float32,
    squeeze,
)
from tfinspect.nets.slim_compat import slim, slim_nets

Tensor = Any
Network = tuple[Tensor, dict[str, Tensor]]
HEADS = {
    "inception_v1": Head("AvgPool_0a_7x7", "AvgPool_0a_7x7", "Dropout_0b", "Conv2d_0c_1x1"),
    "inception_v2": Head("AvgPool_1a_7x7", "AvgPool_1a", "Dropout_1b", "Conv2d_1c_1x1"),
    "inception_v3": Head(
        "AvgPool_1a_8x8",
        "AvgPool_1a",
        "Dropout_1b",
        "Conv2d_1c_1x1",
        features_end_point="PreLogits",
    ),
}
AUXILIARY_HEAD = AuxiliaryHead("AvgPool_1a_5x5", "Conv2d_1b_1x1", "Conv2d_2a_5x5", "Conv2d_2b_1x1")


def inception(
    images: Tensor,
    num_classes: int,
    is_training: bool,
    *,
    version: str,
    create_aux_logits: bool = False,
) -> Network:
    """Builds Inception v1, v2 or v3 under `InceptionV1`, `InceptionV2` or `InceptionV3`.

    Args:
      images: `[N, H, W, 3]` in -1..1, any float type.
      num_classes: columns of the logits.
      is_training: batch statistics, an update of the moving ones, and dropout.
      version: `v1`, `v2` or `v3`.
      create_aux_logits: builds the auxiliary head of v3 on `Mixed_6e`.

    Returns:
      Logits `[N, num_classes]` and the end points.
    """
    network = f"inception_{version}"
    base = getattr(getattr(slim_nets, network), f"{network}_base")
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        net, end_points = base(images)
        with _reentered(f"Inception{version.upper()}"):
            if create_aux_logits:
                end_points["AuxLogits"] = _auxiliary_logits(end_points["Mixed_6e"], num_classes)
            end_points |= convolutional_head(net, num_classes, HEADS[network])
    return end_points["Logits"], end_points


def _auxiliary_logits(net: Tensor, num_classes: int) -> Tensor:
    with (
        tf.compat.v1.variable_scope("AuxLogits"),
        slim.arg_scope([slim.conv2d, slim.avg_pool2d], stride=1, padding="SAME"),
    ):
        features = auxiliary_features(net, AUXILIARY_HEAD)
        layer = conv(AUXILIARY_HEAD.logits, num_classes, 1, activation_fn=None, normalizer_fn=None)
        return squeeze(layer.apply(features))


def resnet(
    images: Tensor, num_classes: int, is_training: bool, *, version: str, depth: int
) -> Network:
    """Builds a ResNet under `resnet_v1_50` and so on.

    Args:
      images: `[N, H, W, 3]`, any float type, after the network's preprocessing.
      num_classes: columns of the logits.
      is_training: batch statistics and an update of the moving ones.
      version: `v1` or `v2`.
      depth: 50, 101, 152 or 200.

    Returns:
      Logits `[N, num_classes]` and the end points.
    """
    scope = f"resnet_{version}_{depth}"
    build = getattr(getattr(slim_nets, f"resnet_{version}"), scope)
    with _collected():
        pooled, end_points = build(images, None, is_training)
    # `pool5` averages in the activations' type; the logits need float32.
    pooled = end_points["global_pool"] = in_float32(pooled)
    with _reentered(scope):
        layer = conv("logits", num_classes, 1, activation_fn=None, normalizer_fn=None)
        maps = end_points[f"{scope}/logits"] = layer.apply(pooled)
        logits = end_points[f"{scope}/spatial_squeeze"] = squeeze(maps)
        end_points["predictions"] = tf.nn.softmax(logits, name="predictions")
    return logits, end_points


def fully_convolutional(
    images: Tensor, num_classes: int, is_training: bool, *, network: str
) -> Network:
    """Builds VGG, AlexNet or OverFeat, whose classifiers are convolutions.

    On images larger than the default the classifier slides over the map, and its logits are
    averaged (arXiv:1409.1556, section 3.2).

    Args:
      images: `[N, H, W, 3]`, any float type, after the network's preprocessing.
      num_classes: columns of the logits.
      is_training: with dropout.
      network: `vgg_a`, `vgg_16`, `vgg_19`, `alexnet_v2` or `overfeat`; the variable scope too.

    Returns:
      Logits `[N, num_classes]` and the end points.
    """
    module = getattr(slim_nets, network.partition("_")[0])
    with _collected():
        maps, end_points = getattr(module, network)(
            images, num_classes, is_training, spatial_squeeze=False
        )
    with _reentered(f"{network}/fc8"):
        logits = tf.reduce_mean(in_float32(maps), [1, 2], name="squeezed")
    end_points[f"{network}/fc8"] = logits
    return logits, end_points


@contextlib.contextmanager
def _reentered(scope: str) -> Iterator[None]:
    """Opens a variable scope again, without a second name scope such as `InceptionV1_1`."""
    outer = tf.compat.v1.get_default_graph().get_name_scope()
    name_scope = f"{outer}/{scope}/" if outer else f"{scope}/"
    with (
        tf.compat.v1.variable_scope(scope, auxiliary_name_scope=False),
        tf.name_scope(name_scope),
    ):
        yield


@contextlib.contextmanager
def _collected() -> Iterator[None]:
    """Empties the graph collections through which `tf_slim.nets` gathers end points.

    Otherwise a second call in the same graph, or every eager call, would add to the first one's.
    """
    graph = tf.compat.v1.get_default_graph()
    try:
        yield
    finally:
        for name in graph.get_all_collection_keys():
            if name.endswith("_end_points"):
                graph.clear_collection(name)
