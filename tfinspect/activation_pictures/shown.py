"""Preprocessed images as pictures again, cropped and resized as the model sees them."""

from collections.abc import Sequence

import numpy as np

from tfinspect.data.example_names import short_name
from tfinspect.model import Model
from tfinspect.plots.activation_sheet import SampleImage
from tfinspect.plots.legible import legible_text

# Values of an image that was not scaled by much less would be drawn black.
_LOWEST_RANGE = 2.0


def as_shown(
    model: Model, images: np.ndarray, names: Sequence[str], places: Sequence[int]
) -> list[SampleImage]:
    """Returns some of the images, to be drawn.

    Args:
      model: whose preprocessing made them.
      images: preprocessed, `[N, H, W, C]`.
      names: of all N images: paths, or shards with numbers.
      places: indices of the ones to draw.
    """
    return [
        SampleImage(legible_text(short_name(names[place])), _pixels(model, images[place]))
        for place in places
    ]


def _pixels(model: Model, image: np.ndarray) -> np.ndarray:
    steps = model.preprocessing
    pixels = (image.astype(np.float64) - steps.offset) / (steps.scale or 1.0)
    if steps.channel_means is not None:
        pixels = pixels + np.asarray(steps.channel_means)
    pixels = np.nan_to_num(pixels)
    if pixels.min() < -1 or pixels.max() > 256 or pixels.max() < _LOWEST_RANGE:
        # Not made by this preprocessing: the image's own range is shown.
        pixels = 255 * (pixels - pixels.min()) / (np.ptp(pixels) or 1.0)
    channels = pixels if pixels.shape[2] == 3 else np.repeat(pixels[..., :1], 3, axis=2)
    return np.rint(channels.clip(0, 255)).astype(np.uint8)
