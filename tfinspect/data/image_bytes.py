"""One image file: fully decoded to prove it whole, kept as the JPEG or PNG that it is."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.data.image_file import to_rgb
from tfinspect.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
# Pillow's name of a format whose bytes are kept -> `image/format` of the record. MPO is what some
# cameras write: a JPEG with more pictures behind it.
_KEPT = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png"}


class CorruptImageError(DataError):
    """An image file that is empty, cut off, or no image; `path` names it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"image '{path}' {reason}; remove or mend it, or convert with --skip-corrupt."
        )
        self.path = path


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
    from PIL import Image

    with files.open_file(path) as stream:
        data: bytes = stream.read()
    if not data:
        raise CorruptImageError(path, "is empty")
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Image.UnidentifiedImageError as error:
        raise CorruptImageError(path, "is in no image format that is known") from error
    # Pillow's decoders raise what their formats make them raise.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CorruptImageError(path, f"is corrupt ({error})") from error
    return data, image
