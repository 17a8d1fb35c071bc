"""Image files of any kind and colour mode to 8-bit RGB."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError

_PNG = b"\x89PNG\r\n\x1a\n"
_GREY = ("1", "L", "LA", "La", "F")


class CorruptImageError(DataError):
    """An image file that is empty, cut off, or no image; `path` and `reason` say which and why."""

    def __init__(self, path: str, reason: str, cure: str) -> None:
        super().__init__(f"image '{path}' {reason}; {cure}.")
        self.path, self.reason = path, reason


@dataclass(frozen=True, eq=False)
class ReadImage:
    """An image file's pixels.

    Attributes:
      path: of the file.
      pixels: uint8 `[H, W, 3]`, 0..255.
      changes: what was done to make them that, in words; empty for an image that was 8-bit RGB.
    """

    path: str
    pixels: np.ndarray
    changes: tuple[str, ...]


def read_image(path: str) -> np.ndarray:
    """Reads an image file as uint8 `[H, W, 3]`, 0..255, like `read_with_changes`."""
    return read_with_changes(path).pixels


def read_with_changes(path: str) -> ReadImage:
    """Reads a PNG, JPEG, GIF, BMP, TIFF or WebP file.

    Grey and palette images become RGB, transparency is dropped, 16-bit values keep their high
    byte; of an animation comes the first frame.

    Raises:
      DataError: the file is missing, empty or no image.
    """
    if not files.exists(path):
        raise DataError(f"no image '{path}'; give the path of a PNG or JPEG file.")
    if files.is_directory(path):
        raise DataError(f"'{path}' is a directory and no image; give the images in it.")
    data, image = decode(path, "give a whole PNG or JPEG file")
    return ReadImage(path, to_rgb(image), tuple(_changes(data, image)))


def _changes(data: bytes, image: Any) -> Iterator[str]:
    """Words what `to_rgb` does to an image."""
    frames = getattr(image, "n_frames", 1)
    # MPO is a photo with previews and depth maps behind it: no animation.
    if frames > 1 and image.format != "MPO":
        yield f"first of {frames} frames taken"
    # Pillow reads 16-bit colour as 8-bit: the depth stands in the header alone.
    deep_png = data[:8] == _PNG and data[24:25] == bytes([16])
    if deep_png or image.mode.startswith("I"):
        yield "16 bits reduced to 8"
    if image.mode == "F":
        yield "floats cut to 0..255"
    if image.mode in _GREY or image.mode.startswith("I"):
        yield "grey made RGB"
    if image.mode in ("CMYK", "YCCK", "LAB", "HSV"):
        yield f"{image.mode} made RGB"
    if "A" in image.mode.upper().replace("LAB", "") or "transparency" in image.info:
        yield "transparency dropped"


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
