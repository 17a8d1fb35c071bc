"""Images that are given to a model, checked against the shape that it takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfinspect.errors import DataError


def require_shape(shape: Any, wanted: Sequence[int | None]) -> None:
    """Checks a static shape, where sizes may be unknown, against `[N, H, W, C]`.

    Raises:
      DataError: the rank or a size is another one.
    """
    given = [None] * len(wanted) if shape.rank is None else list(shape)
    pairs = zip(given, wanted, strict=False)
    if len(given) != len(wanted) or any(a and b and a != b for a, b in pairs):
        raise DataError(_wrong_shape(given, wanted))


def checked(model: Any, images: Any) -> np.ndarray:
    """Returns images as an array `[N, H, W, C]` of the dtype that a model takes.

    Args:
      model: a `Model`.
      images: preprocessed; any number of them.

    Raises:
      DataError: they have another shape.
    """
    import tensorflow as tf

    images = np.asarray(images, tf.as_dtype(model.input_dtype).as_numpy_dtype)
    pairs = zip(images.shape[1:], model.image_shape, strict=False)
    if images.ndim != 4 or any(size is not None and size != given for given, size in pairs):
        raise DataError(_wrong_shape(images.shape, (None, *model.image_shape)))
    return images


def _wrong_shape(given: Any, wanted: Any) -> str:
    names = [str(size) if size else letter for size, letter in zip(wanted, "NHWC", strict=True)]
    return (
        f"images of the shape {list(given)} are not [{', '.join(names)}]; "
        "make them with model.preprocess."
    )
