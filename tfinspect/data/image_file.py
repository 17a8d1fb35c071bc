"""Image files of any kind and colour mode to 8-bit RGB."""

import io
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError


class CorruptImageError(DataError):
    """An image file that is empty, cut off, or no image; `path` names it."""

    def __init__(self, path: str, reason: str, cure: str) -> None:
        super().__init__(f"image '{path}' {reason}; {cure}.")
        self.path = path


def read_image(path: str) -> np.ndarray:
    """Reads a PNG, JPEG, GIF, BMP, TIFF or WebP file.

    Grey and palette images become RGB, transparency is dropped, 16-bit values keep their high
    byte; of an animation comes the first frame.

    Returns:
      uint8 `[H, W, 3]`, 0..255.

    Raises:
      DataError: the file is missing, empty or no image.
    """
    if not files.exists(path):
        raise DataError(f"no image '{path}'; give the path of a PNG or JPEG file.")
    return to_rgb(decode(path, "give a whole PNG or JPEG file")[1])


def decode(path: str, cure: str) -> tuple[bytes, Any]:
    """Reads an image file and decodes all of it; `cure` ends the message about a corrupt one.

    Returns:
      The file's bytes and a Pillow image.

    Raises:
      CorruptImageError: it is empty, cut off, or no image.
      DataError: it cannot be opened.
    """
    from PIL import Image

    with files.open_file(path) as stream:
        data: bytes = stream.read()
    if not data:
        raise CorruptImageError(path, "is empty", cure)
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Image.UnidentifiedImageError as error:
        raise CorruptImageError(path, "is in no image format that is known", cure) from error
    # Pillow's decoders raise what their formats make them raise.
    except (OSError, EOFError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CorruptImageError(path, f"is corrupt ({error})", cure) from error
    return data, image


def to_rgb(image: Any) -> np.ndarray:
    """Converts an opened Pillow image of any mode to uint8 `[H, W, 3]`."""
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit grey at 255 instead of scaling it.
        high = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(high[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGB"), np.uint8)
