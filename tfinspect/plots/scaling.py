"""Images and heat maps in the size of the place that they are drawn in."""

import numpy as np


def scaled_to(image: np.ndarray, side: int) -> np.ndarray:
    """Returns an image whose longer side has at most `side` pixels.

    Small images are enlarged by a whole factor, so that their pixels stay square and sharp.

    Args:
      image: uint8 `[H, W, 3]`.
      side: pixels.
    """
    longer = max(image.shape[:2])
    if longer <= side:
        factor = side // longer
        return image.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = (max(1, round(size * side / longer)) for size in image.shape[:2])
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


def stretched(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns `[h, w]` floats as `[height, width]`, bilinear between the centres; NaN spreads."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def shrunk(tiles: np.ndarray, side: int) -> np.ndarray:
    """Returns `[N, h, w]` with at most `side` values a side: means over whole blocks.

    What does not fill a block at the right and lower edge is left out.
    """
    factor = -(-max(tiles.shape[1:]) // side)
    rows, columns = (max(1, size // factor) for size in tiles.shape[1:])
    block = min(factor, tiles.shape[1]), min(factor, tiles.shape[2])
    kept = tiles[:, : rows * block[0], : columns * block[1]]
    return np.asarray(kept.reshape(len(tiles), rows, block[0], columns, block[1]).mean(axis=(2, 4)))
