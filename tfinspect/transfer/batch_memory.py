"""Refuses images of which not even one batch fits into the machine's memory."""

import math

from tfinspect.errors import ConfigError
from tfinspect.transfer.memory_limit import available_memory

# Of the memory, for one batch of images: every layer's values and the weights come on top.
_SHARE = 0.25
_BYTES_PER_VALUE = 4


def require_memory(image_shape: tuple[int, int, int], batch_size: int, processes: int = 1) -> None:
    """Refuses images that are too large.

    Args:
      image_shape: `(H, W, C)` of the images as the network takes them, float32.
      batch_size: images in a batch.
      processes: that share it; each holds its part alone.

    Raises:
      ConfigError: a batch takes more than a quarter of the memory.
    """
    height, width, channels = image_shape
    memory = available_memory()
    held = math.ceil(batch_size / processes)
    of_one_pixel = held * channels * _BYTES_PER_VALUE
    needed = height * width * of_one_pixel
    if needed <= memory * _SHARE:
        return
    largest = math.isqrt(int(memory * _SHARE / of_one_pixel))
    raise ConfigError(
        f"images of {height}x{width} are too large: {_worded(held, processes)} "
        f"{needed / 2**30:,.1f} GiB before any layer, and this machine or container has "
        f"{memory / 2**30:,.1f} GiB; give {_cure(largest, held)}."
    )


def _cure(largest: int, held: int) -> str:
    """Names what helps: no size is small enough where one pixel of each image is too much."""
    cures = [f"--image-size {largest} or less"] if largest else []
    return ", or ".join([*cures, "a smaller --batch-size"] if held > 1 else cures)


def _worded(held: int, processes: int) -> str:
    if held == 1:
        return "one image takes"
    whose = "" if processes == 1 else f", one of {processes} processes' part,"
    return f"a batch of {held}{whose} takes"
