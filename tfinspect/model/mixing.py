"""Ops that mix the images of a batch: with them an image's logits would depend on the others."""

from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.model.graph_walk import SHAPE_OPS, reached_from, sources_of

NORMALIZATIONS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
_REDUCTIONS = frozenset({"Mean", "Sum", "Prod", "Max", "Min", "EuclideanNorm"})


def require_apart(name: str, images: Any, logits: Any) -> None:
    """Checks that each image has logits of its own.

    Args:
      name: of the model, for the error.
      images: placeholder; its first axis is free, or of a fixed batch.
      logits: tensor of the same graph. One without an axis of the images may mix them.

    Raises:
      ConfigError: names the op that computes over the batch.
    """
    batch = images.shape[0] if images.shape.rank else None
    if batch == 1 or not _counts_images(logits, batch):
        return
    flowing = reached_from(images, SHAPE_OPS)
    for op in sources_of([logits], _is_value).values():
        if op.name in flowing and _mixes(op, batch):
            raise ConfigError(
                f"'{op.name}' ({op.type}) of '{name}' computes over all images of the batch, so "
                "that the logits of one image depend on the others, as batch normalization in "
                "training does; give the graph that was made for inference (Keras: "
                "training=False), or a function of one image, [1, H, W, C]."
            )


def _is_value(tensor: Any) -> bool:
    # One truth for all images chooses a branch, which is the graph's own condition on its batch.
    return not (tensor.dtype.is_bool and tensor.shape.rank == 0)


def _counts_images(tensor: Any, batch: int | None) -> bool:
    return bool(tensor.shape.rank) and tensor.shape[0] in (None, batch)


def _mixes(op: Any, batch: int | None) -> bool:
    if op.type in NORMALIZATIONS:
        # Layer normalization, as tf_keras builds it, has one row per image among the channels.
        return bool(op.get_attr("is_training")) and op.inputs[0].shape[0] != 1
    if op.type not in _REDUCTIONS or not _counts_images(op.inputs[0], batch):
        return False
    import tensorflow as tf

    axes, rank = tf.get_static_value(op.inputs[1]), op.inputs[0].shape.rank
    return axes is not None and any(int(axis) % rank == 0 for axis in axes.ravel())
