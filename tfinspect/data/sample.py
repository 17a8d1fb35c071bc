"""A few images of every label out of a stream of records, for a look at them."""

import io
import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from tfinspect.data.image_file import to_rgb

IMAGES = 100
PER_LABEL = 10
_BYTES_KEPT = 64 << 20


@dataclass
class Sample:
    """Keeps the first images of each label, as the bytes they are."""

    _images: dict[int | None, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _bytes: int = 0

    def offer(self, label: int | None, image: bytes) -> None:
        """Keeps an image if there is room for one more of its label."""
        kept = self._images[label]
        if len(kept) < PER_LABEL and (not kept or self._bytes < _BYTES_KEPT):
            kept.append(image)
            self._bytes += len(image)

    def chosen(self) -> list[tuple[int | None, bytes]]:
        """Returns at most 100 labelled images, equally many of each label, sorted by label."""
        labels = sorted(self._images, key=lambda label: -1 if label is None else label)
        if len(labels) > IMAGES:
            places = np.linspace(0, len(labels) - 1, IMAGES).astype(int)
            labels = [labels[place] for place in places]
        each = min(PER_LABEL, IMAGES // len(labels)) if labels else 0
        return [(label, image) for label in labels for image in self._images[label][:each]]


def pixels(image: bytes, shape: tuple[int, int, int] | None = None) -> np.ndarray | None:
    """Decodes an image's bytes to uint8 `[H, W, 3]`; None if they are none.

    `shape` is `(H, W, C)` of a raw CHW image; None means an encoded file, or else a square.
    """
    from PIL import Image

    if shape is None:
        try:
            return to_rgb(Image.open(io.BytesIO(image)))
        except Exception:  # Not an encoded image: it may be a raw one.
            shape = _square(len(image))
    if shape is None or math.prod(shape) != len(image):
        return None
    height, width, channels = shape
    planes = np.frombuffer(image, np.uint8).reshape(channels, height, width)
    return (
        np.repeat(planes[:1], 3, axis=0).transpose(1, 2, 0)
        if channels == 1
        else planes[:3].transpose(1, 2, 0)
    )


def _square(size: int) -> tuple[int, int, int] | None:
    for channels in (3, 1):
        side = math.isqrt(size // channels)
        if side and side * side * channels == size:
            return side, side, channels
    return None
