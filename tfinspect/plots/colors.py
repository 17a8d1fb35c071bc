"""Numbers to colours: one scale for values from 0 up, one for values of either sign."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# Of the magnitudes so large a share is told apart; a few outliers beyond would darken the rest.
SHOWN_SHARE = 0.998
_SEQUENTIAL, _DIVERGING = "viridis", "RdBu_r"
# The hues at which the diverging colours end.
_AGAINST, _FOR = (33, 102, 172), (200, 24, 43)


@dataclass(frozen=True)
class ColorScale:
    """Limits and colours; values beyond the limits get the colours of the limits.

    Attributes:
      low, high: limits.
      colors: matplotlib's name of the colours.
    """

    low: float
    high: float
    colors: str

    def rgb(self, values: np.ndarray) -> np.ndarray:
        """Returns float64 `[..., 3]` in 0..1; what is not finite stays NaN."""
        span = self.high - self.low
        # Zeros alone are the least of a scale from 0 up.
        share = (values.astype(np.float64) - self.low) / (span if span > 0 else 1.0)
        places = np.rint(255 * np.clip(np.nan_to_num(share), 0, 1)).astype(int)
        found = _table(self.colors)[places]
        found[~np.isfinite(values)] = np.nan
        return found


def scale_of(values: np.ndarray, share: float = SHOWN_SHARE) -> ColorScale:
    """Returns a scale for values: from 0 up where none is negative, else symmetric about 0.

    Only the given share of the magnitudes lies within the limits for sure.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return ColorScale(0.0, 0.0, _SEQUENTIAL)
    magnitudes = abs(finite)
    limit = float(np.quantile(magnitudes, share)) or float(magnitudes.max())
    if finite.min() < 0:
        return ColorScale(-limit, limit, _DIVERGING)
    return ColorScale(0.0, limit, _SEQUENTIAL)


def color_bar(scale: ColorScale, width: int, height: int) -> np.ndarray:
    """Returns the scale's colours from low to high, uint8 `[height, width, 3]`."""
    shades = 255 * _table(scale.colors)[np.linspace(0, 255, width).astype(int)]
    return np.broadcast_to(np.rint(shades), (height, width, 3)).astype(np.uint8)


def overlaid(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lays a heat map over an image, which becomes grey.

    Args:
      image: uint8 `[H, W, 3]`.
      heat: `[H, W]`, at least 0; its largest finite value is the hottest.

    Returns:
      uint8 `[H, W, 3]`; the hotter, the less of the image shows.
    """
    finite = np.nan_to_num(heat.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    share = finite / (finite.max() or 1.0)
    grey = image.astype(np.float64).mean(axis=2, keepdims=True)
    hot = 255 * ColorScale(0, 1, "inferno").rgb(share)
    weight = (0.35 + 0.5 * share)[..., np.newaxis]
    return np.rint((1 - weight) * grey + weight * hot).astype(np.uint8)


def overlaid_signs(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lays values of either sign over an image, which becomes grey: positive red, negative blue.

    Args:
      image: uint8 `[H, W, 3]`.
      heat: `[H, W]`; what is not finite is 0.

    Returns:
      uint8 `[H, W, 3]`; the larger the magnitude, the less of the image shows.
    """
    finite = np.nan_to_num(heat.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)[
        ..., np.newaxis
    ]
    weight = 0.9 * np.sqrt(abs(finite) / (abs(finite).max() or 1.0))
    # Between the greys of the image and paper, so that both hues stand out from it.
    grey = 80 + 0.6 * image.astype(np.float64).mean(axis=2, keepdims=True)
    hue = np.where(finite < 0, _AGAINST, _FOR)
    return np.rint((1 - weight) * grey + weight * hue).astype(np.uint8)


@lru_cache(maxsize=8)
def _table(name: str) -> np.ndarray:
    import matplotlib

    return np.asarray(matplotlib.colormaps[name](np.linspace(0, 1, 256))[:, :3])
