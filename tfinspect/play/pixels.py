"""Pixels that are fed to a tensor of preprocessed images."""

from collections.abc import Callable

import numpy as np

from tfinspect.errors import DataError
from tfinspect.play.feeds import Place

Scale = Callable[[np.ndarray], np.ndarray]
_PIXELS = (0, 255)
_CHANNELS = (1, 3)


def note_on_pixels(place: Place, value: np.ndarray, scale: Scale) -> str | None:
    """Returns a note on uint8 images that are taken as they are; None for any other value.

    Args:
      place: the tensor.
      value: what is fed to it, as it was given.
      scale: the model's, from images `[..., C]` in 0..255 to float32 in the range that it takes.

    Raises:
      DataError: the model takes images of another range than 0..255.
    """
    if not place.dtype.endswith(("float16", "float32", "float64")) or not _are_pixels(value):
        return None
    given = f"'{place.name}' takes {place.dtype}"
    taken = value_range(scale, value.shape[-1])
    if taken == _PIXELS:
        return (
            f"{given}, and the uint8 values that were fed are taken as they are, 0..255: the model "
            "tells no other range. If it was trained on another one, feed an array in that range."
        )
    raise DataError(
        f"{given} in {_shown(taken)}, and was given uint8, whose pixels are in {_shown(_PIXELS)}; "
        "feed the image files, which are scaled, or an array of floats in that range."
    )


def require_whole(place: Place, scale: Scale) -> None:
    """Refuses image files for a tensor of whole numbers where they would be scaled to others.

    Args:
      place: the tensor.
      scale: as of `note_on_pixels`.

    Raises:
      DataError: the tensor takes whole numbers, and scaled pixels are not in 0..255.
    """
    import tensorflow as tf

    taken = value_range(scale, max(_CHANNELS))
    if tf.as_dtype(place.dtype).is_integer and taken != _PIXELS:
        raise DataError(
            f"'{place.name}' takes {place.dtype}, and image files would be scaled to "
            f"{_shown(taken)}; leave --net out if the graph scales its images itself, or feed an "
            "array of whole numbers."
        )


def value_range(scale: Scale, channels: int) -> tuple[float, float]:
    """Returns the least and the greatest value that a pixel has once it is scaled."""
    found = scale(np.array([[end] * channels for end in _PIXELS], np.float32))
    return float(found.min()), float(found.max())


def _are_pixels(value: np.ndarray) -> bool:
    return value.dtype == np.uint8 and value.ndim == 4 and value.shape[-1] in _CHANNELS


def _shown(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.4g}..{ends[1]:.4g}"
