"""One image file: fully decoded to prove it whole, kept as the JPEG or PNG that it is."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.data.image_file import decode, to_rgb

SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".tga", ".jp2"),
)
# Pillow's name of a format whose bytes are kept -> `image/format` of the record. MPO is what some
# cameras write: a JPEG with more pictures behind it.
_KEPT = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png"}


@dataclass(frozen=True)
class EncodedImage:
    """The bytes of a JPEG or PNG file, with its size in pixels."""

    data: bytes
    format: str
    height: int
    width: int


def is_image_name(name: str) -> bool:
    """Tells by its suffix whether a file is an image that can be read.

    >>> is_image_name("cat.JPG"), is_image_name(".cat.jpg"), is_image_name("notes.txt")
    (True, False, False)
    """
    base = name.rpartition("/")[2]
    return base.lower().endswith(SUFFIXES) and not base.startswith(".")


def read_encoded(path: str) -> EncodedImage:
    """Reads an image file; JPEG and PNG keep their bytes, others become PNG (first frame).

    Raises:
      CorruptImageError: it is empty, cut off, or no image.
      DataError: it cannot be opened.
    """
    data, image = _decode(path)
    kind = _KEPT.get(image.format)
    if kind is None:
        return encode_png(to_rgb(image))
    return EncodedImage(data, kind, image.height, image.width)


def read_rgb(path: str) -> np.ndarray:
    """Reads an image file as uint8 `[H, W, 3]`.

    Raises:
      CorruptImageError: it is empty, cut off, or no image.
      DataError: it cannot be opened.
    """
    return to_rgb(_decode(path)[1])


def encode_png(image: np.ndarray) -> EncodedImage:
    """Encodes an image, uint8 `[H, W, 3]`, as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG")
    return EncodedImage(stream.getvalue(), "png", image.shape[0], image.shape[1])


def _decode(path: str) -> tuple[bytes, Any]:
    return decode(path, "remove or mend it, or convert with --skip-corrupt")
