"""A sample's channels as tiles of numbers, whatever axes it has."""

import numpy as np

from tfinspect.plots.scaling import shrunk

# Values along a side of a channel's tile; larger ones are averaged over blocks.
MAX_TILE = 96


def channel_tiles(sample: np.ndarray, widest: int) -> np.ndarray:
    """Returns one tile a channel, `[K, h, w]`.

    Args:
      sample: `[h, w, K]`; `[T, K]` gives a single tile, a matrix; more axes in front are put one
        below the other.
      widest: values along a side of a matrix.
    """
    if sample.ndim == 2:
        return shrunk(sample[np.newaxis], widest)
    if sample.ndim > 3:
        sample = sample.reshape(-1, *sample.shape[-2:])
    return shrunk(np.moveaxis(sample, -1, 0), MAX_TILE)
