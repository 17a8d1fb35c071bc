"""Refuses images of which not even one batch fits into the machine's memory."""

import math
import os

from tfinspect.errors import ConfigError

# Of the memory, for one batch of images: every layer's values and the weights come on top.
_SHARE = 0.25
_BYTES_PER_VALUE = 4


def require_memory(image_shape: tuple[int, int, int], batch_size: int) -> None:
    """Refuses images that are too large.

    Args:
      image_shape: `(H, W, C)` of the images as the network takes them, float32.
      batch_size: images in a batch.

    Raises:
      ConfigError: a batch takes more than a quarter of the machine's memory.
    """
    height, width, channels = image_shape
    memory = machine_memory()
    of_one_pixel = batch_size * channels * _BYTES_PER_VALUE
    needed = height * width * of_one_pixel
    if needed <= memory * _SHARE:
        return
    largest = math.isqrt(int(memory * _SHARE / of_one_pixel))
    images = "one image takes" if batch_size == 1 else f"a batch of {batch_size} takes"
    raise ConfigError(
        f"images of {height}x{width} are too large: {images} {needed / 2**30:,.1f} GiB before any "
        f"layer, and this machine has {memory / 2**30:,.1f} GiB; give --image-size {largest} or "
        "less, or a smaller --batch-size."
    )


def machine_memory() -> int:
    """Returns the bytes of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
