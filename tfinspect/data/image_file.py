"""Image files of any kind and colour mode to 8-bit RGB."""

from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError


def read_image(path: str) -> np.ndarray:
    """Reads a PNG, JPEG, GIF, BMP, TIFF or WebP file.

    Grey and palette images become RGB, transparency is dropped, 16-bit values keep their high
    byte; of an animation comes the first frame.

    Returns:
      uint8 `[H, W, 3]`, 0..255.

    Raises:
      DataError: the file is missing, empty or no image.
    """
    from PIL import Image

    if not files.exists(path):
        raise DataError(f"no image '{path}'; give the path of a PNG or JPEG file.")
    try:
        with files.open_file(path) as stream, Image.open(stream) as image:
            return to_rgb(image)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(
            f"'{path}' cannot be read as an image: {error}; give a PNG or JPEG file."
        ) from error


def to_rgb(image: Any) -> np.ndarray:
    """Converts an opened Pillow image of any mode to uint8 `[H, W, 3]`."""
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit grey at 255 instead of scaling it.
        high = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(high[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGB"), np.uint8)
