"""Random crops and flips of small images, one batch at a time, from numbers drawn beforehand.

Pad by 4, crop back to the size at a random place, flip with probability 1/2: the augmentation of
arXiv:1512.03385, section 4.2. It works on 0..255 values with zeros as padding, before any
preprocessing, as the original tutorial does.
"""

from typing import Any, NamedTuple

import tensorflow as tf

PADDING = 4


class Draws(NamedTuple):
    """What chance decides about some examples, each an int32 tensor `[N]`.

    Attributes:
      top: first row of the crop in the padded image, 0..2 * PADDING.
      left: first column, likewise.
      flip: 1 where left and right are exchanged, else 0.
    """

    top: Any
    left: Any
    flip: Any


def draw(key: Any, count: int) -> Draws:
    """Draws for `count` examples; example i's numbers depend on `key` and i alone.

    Args:
      key: int64 `[2]`, a seed of TensorFlow's stateless generators.
      count: how many examples there are in the epoch.
    """
    numbers = tf.random.stateless_uniform(
        [count, 3], key, 0, 2 * (2 * PADDING + 1), tf.int32, alg="philox"
    )
    return Draws(numbers[:, 0] // 2, numbers[:, 1] // 2, numbers[:, 2] % 2)


def pad_crop_flip(images: Any, draws: Draws, *, flip: bool = True) -> Any:
    """Crops and flips every image of a batch in one gather.

    Args:
      images: `[B, H, W, C]`, uint8 in 0..255; H, W and C static.
      draws: what chance decided about the batch's examples.
      flip: False crops only, for images that mean something else when mirrored, such as digits.

    Returns:
      Images of the same shape and dtype.
    """
    _, height, width, channels = images.shape
    border = [PADDING, PADDING]
    padded = tf.pad(images, [[0, 0], border, border, [0, 0]])
    padded_height, padded_width = height + 2 * PADDING, width + 2 * PADDING
    columns = tf.range(width)[None, :]
    if flip:
        columns = tf.where(draws.flip[:, None] > 0, width - 1 - columns, columns)
    first_rows = tf.range(tf.shape(images)[0]) * padded_height + draws.top
    rows = first_rows[:, None] + tf.range(height)[None, :]
    pixels = (rows * padded_width)[:, :, None] + (columns + draws.left[:, None])[:, None, :]
    # One gather of whole pixels takes half the time of cropping image by image.
    return tf.gather(tf.reshape(padded, [-1, channels]), pixels)
