"""Images of any kind to arrays of one size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfinspect.errors import DataError
from tfinspect.nets.spec import Preprocessing

_GREY = 1


def sized(images: Any, shape: Sequence[int | None], preprocessing: Preprocessing) -> np.ndarray:
    """Crops and resizes one image, or several.

    Args:
      images: as `Model.preprocess` takes them.
      shape: (H, W, C); None leaves the sizes as they are.
      preprocessing: which part of an image is kept, and how it is resized.

    Returns:
      float32 `[N, H, W, C]`, 0..255; C is 1 for models of grey images, else 3.

    Raises:
      DataError: an array is no image, bytes cannot be decoded, sizes differ and none is set, or
        the model takes images of other channels.
    """
    if isinstance(images, bytes) or getattr(images, "ndim", None) == 3:
        images = [images]
    height, width, channels = shape
    if channels not in (None, 1, 3):
        raise DataError(
            f"the model takes images of {channels} channels; make arrays [N, H, W, {channels}] "
            "yourself and give them to model.logits."
        )
    arrays = [_sized(_pixels(image), height, width, preprocessing) for image in images]
    sizes = {array.shape for array in arrays}
    if len(sizes) > 1:
        raise DataError(
            f"the model takes images of any size, and these have {len(sizes)} sizes; give images "
            "of one size."
        )
    pixels = np.stack(arrays).astype(np.float32)
    return _grey(pixels) if channels == _GREY else pixels


def _pixels(image: Any) -> Any:
    """Returns a tensor `[H, W, 3]` of an array or of a file's bytes."""
    import tensorflow as tf

    from tfinspect.data import parse

    if isinstance(image, bytes):
        try:
            return parse.decode_image(image)
        except tf.errors.InvalidArgumentError as error:
            raise DataError("the bytes are no PNG or JPEG image; give a whole file's.") from error
    if len(image.shape) != 3 or image.shape[-1] != 3:
        raise DataError(f"shape {list(image.shape)} is no image; give [H, W, 3], values 0 to 255.")
    return tf.convert_to_tensor(image)


def _sized(image: Any, height: int | None, width: int | None, preprocessing: Any) -> np.ndarray:
    from tfinspect.data import views

    height, width = height or image.shape[0], width or image.shape[1]
    sized: np.ndarray = views.fitted(image, height, width, preprocessing).numpy()
    return sized


def _grey(pixels: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    grey: np.ndarray = tf.image.rgb_to_grayscale(pixels).numpy()
    return grey
