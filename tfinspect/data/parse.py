"""Serialized examples to images and labels, whole batches at a time."""

from typing import Any

import tensorflow as tf

from tfinspect.data import schema


def decode_image(encoded: Any) -> Any:
    """Decodes one PNG, JPEG or GIF image to uint8 `[H, W, 3]`, values 0..255."""
    # This kernel takes all three; INTEGER_ACCURATE is what other JPEG readers do.
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(image, [None, None, 3])


def resize(images: Any, height: int, width: int) -> Any:
    """Resizes uint8 images `[..., H, W, C]` bilinearly and rounds to uint8 again.

    Images that have the size already pass unchanged. No anti-aliasing, as slim's preprocessing.
    """
    if tuple(images.shape[-3:-1]) == (height, width):
        return images
    resized = tf.image.resize(images, [height, width], method="bilinear")
    return tf.cast(tf.round(tf.clip_by_value(resized, 0.0, 255.0)), tf.uint8)


def parse_raw(serialized: Any, stored_shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Parses `[B]` examples of the raw schema.

    Args:
      serialized: string `[B]`.
      stored_shape: `[H, W, C]`; each record holds C * H * W bytes, plane by plane.

    Returns:
      uint8 `[B, H, W, C]` (0..255) and int64 labels `[B]`.
    """
    height, width, channels = stored_shape
    features = tf.io.parse_example(
        serialized,
        {
            schema.IMAGE: tf.io.FixedLenFeature([], tf.string),
            schema.LABEL: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    planes = tf.io.decode_raw(features[schema.IMAGE], tf.uint8)
    planes = tf.reshape(
        tf.ensure_shape(planes, [None, channels * height * width]), [-1, channels, height, width]
    )
    return tf.transpose(planes, [0, 2, 3, 1]), features[schema.LABEL]


def checked_labels(labels: Any, num_labels: int) -> Any:
    """Returns int64 labels `[B]`; where they are used, one out of range is an error.

    Raises:
      tf.errors.InvalidArgumentError: when a label is not in `0..num_labels - 1`.
    """
    lowest, highest = tf.reduce_min(labels), tf.reduce_max(labels)
    reason = tf.strings.format(
        f"there are labels from {{}} to {{}} where the {num_labels} label names allow 0 to "
        f"{num_labels - 1}",
        (lowest, highest),
    )
    possible = tf.logical_and(lowest >= 0, highest < num_labels)
    with tf.control_dependencies([tf.debugging.Assert(possible, [reason])]):
        return tf.identity(labels)


def encoded_images(serialized: Any) -> tuple[Any, Any]:
    """Parses `[B]` examples of the encoded schema to files, string `[B]`, and labels `[B]`."""
    features = tf.io.parse_example(
        serialized,
        {
            schema.ENCODED_IMAGE: tf.io.FixedLenFeature([], tf.string),
            schema.LABEL: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    return features[schema.ENCODED_IMAGE], features[schema.LABEL]


def parse_encoded(serialized: Any, height: int, width: int) -> tuple[Any, Any]:
    """Parses `[B]` examples of the encoded schema and resizes their images to one size.

    Returns:
      uint8 `[B, H, W, 3]` (0..255) and int64 labels `[B]`.
    """
    encoded, labels = encoded_images(serialized)
    images = tf.map_fn(
        lambda one: resize(decode_image(one), height, width),
        encoded,
        fn_output_signature=tf.TensorSpec([height, width, 3], tf.uint8),
    )
    return images, labels
