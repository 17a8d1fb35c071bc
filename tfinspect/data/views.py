"""What a network is shown of an image in evaluation: cropped and resized as it was trained for."""

from typing import Any, Protocol

import tensorflow as tf

from tfinspect.data import parse


class Geometry(Protocol):
    """The part of a network's preprocessing that says which pixels it takes.

    Attributes:
      central_fraction: part of height and width that is kept, around the centre.
      interpolation: `bilinear`, `bicubic` or `nearest`.
      half_pixel_centers: whether a resized pixel is sampled at its centre.
      shorter_side: pixels that the shorter side is resized to before the size is cropped from the
        centre; None resizes both sides to the size.
    """

    central_fraction: float
    interpolation: str
    half_pixel_centers: bool
    shorter_side: int | None


def is_plain(geometry: Any) -> bool:
    """Tells whether a whole image is resized, with pixels sampled at their centres."""
    plain = getattr(geometry, "half_pixel_centers", True)
    return plain and getattr(geometry, "central_fraction", 1.0) == 1.0


def fitted(image: Any, height: int, width: int, geometry: Geometry) -> Any:
    """Crops and resizes one image.

    The published Inception preprocessing is `central_fraction` 0.875 and bilinear without half
    pixel centers; that of VGG a shorter side of 256 and the size from its centre.

    Args:
      image: uint8 `[H, W, C]`, 0..255; H and W may be unknown while a graph is built.
      height: of the result, in pixels.
      width: of the result.
      geometry: of the network's preprocessing.

    Returns:
      float32 `[height, width, C]`, 0..255.
    """
    if is_plain(geometry):
        return tf.cast(parse.resize(image, height, width), tf.float32)
    image = central(image, geometry.central_fraction)
    if geometry.shorter_side is None:
        return resized(image, height, width, geometry)
    image = with_shorter_side(image, geometry.shorter_side, geometry)
    rows, columns = tf.unstack(tf.shape(image)[:2])
    top, left = (rows - height) // 2, (columns - width) // 2
    return tf.ensure_shape(
        image[top : top + height, left : left + width], [height, width, image.shape[-1]]
    )


def central(image: Any, fraction: float) -> Any:
    """Crops as `tf.image.central_crop` did when the networks were trained."""
    size = tf.shape(image)[:2]
    exact = tf.cast(size, tf.float64)
    start = tf.cast((exact - exact * fraction) / 2, tf.int32)
    kept = size - 2 * start
    return image[start[0] : start[0] + kept[0], start[1] : start[1] + kept[1]]


def with_shorter_side(image: Any, side: Any, geometry: Geometry) -> Any:
    """Resizes `[H, W, C]` so that its shorter side has as many pixels, to float32 in 0..255."""
    size = tf.shape(image)[:2]
    factor = tf.cast(side, tf.float64) / tf.cast(tf.reduce_min(size), tf.float64)
    rows, columns = tf.unstack(tf.cast(tf.round(tf.cast(size, tf.float64) * factor), tf.int32))
    return resized(image, rows, columns, geometry)


def resized(image: Any, height: Any, width: Any, geometry: Geometry) -> Any:
    """Resizes `[H, W, C]` to float32 `[height, width, C]` with the network's own sampling."""
    resize = {
        "bilinear": tf.raw_ops.ResizeBilinear,
        "bicubic": tf.raw_ops.ResizeBicubic,
        "nearest": tf.raw_ops.ResizeNearestNeighbor,
    }[geometry.interpolation]
    return resize(
        images=tf.cast(image, tf.float32)[None],
        size=[height, width],
        half_pixel_centers=geometry.half_pixel_centers,
    )[0]
