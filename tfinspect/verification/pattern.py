"""One image that every installation makes alike, for logits that can be compared."""

import numpy as np

# Raised when the pattern changes: golden logits of another one cannot be compared.
VERSION = 1


def pattern_image(height: int, width: int, channels: int) -> np.ndarray:
    """Returns float32 `[1, H, W, C]` of whole numbers in 0..255: waves, edges and texture.

    Only integer arithmetic, so that no library's rounding matters.
    """
    rows = np.arange(height)[:, None, None]
    columns = np.arange(width)[None, :, None]
    channel = np.arange(channels)[None, None, :]
    ramp = (3 * rows + 5 * columns + 40 * channel) % 256
    boxes = ((rows // 16 + columns // 24 + channel) % 2) * 96
    texture = (rows * rows + 7 * rows * columns + 11 * columns * columns + 13 * channel) % 61
    return ((ramp // 2 + boxes + texture) % 256).astype(np.float32)[None]
