"""How far a tensor's values have moved from those of a reference set: pure NumPy."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.histogram import Histogram, on_one_grid
from tfinspect.tensor_statistics import TensorStatistics

# The stability index compares shares in this many parts of the reference.
_PARTS = 10
# Added to every count: a part that one of the two sets does not reach would be infinitely far.
_SMOOTHING = 0.5


@dataclass(frozen=True)
class Drift:
    """What changed from the reference to the images at hand; None without finite values.

    Attributes:
      drift: population stability index over the tenths of the reference, 0 for equal shares. As a
        rule of thumb above 0.1 is a shift to look at, above 0.25 a large one.
      shift: difference of the means, in standard deviations of the reference; infinite where the
        reference is constant.
      std_ratio: standard deviation over that of the reference.
      channel: the channel whose mean shifted most; None where there is none to compare.
      channel_shift: its shift, in standard deviations that the reference has in this channel.
    """

    drift: float | None
    shift: float | None
    std_ratio: float | None
    channel: int | None
    channel_shift: float | None

    def row(self) -> dict[str, Any]:
        """Returns the columns that a comparison adds; their keys are stable."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def drift(reference: TensorStatistics, current: TensorStatistics) -> Drift:
    """Compares the statistics of one tensor on two sets of images."""
    if reference.histogram is None or current.histogram is None:
        return Drift(None, None, None, None, None)
    shift = _shifts(reference.mean, reference.std, current.mean)
    channel, channel_shift = _worst_channel(reference, current)
    return Drift(
        drift=stability_index(reference.histogram, current.histogram),
        shift=float(shift),
        std_ratio=_ratio(current.std or 0.0, reference.std or 0.0),
        channel=channel,
        channel_shift=channel_shift,
    )


def stability_index(reference: Histogram, current: Histogram) -> float:
    """Returns the population stability index, the sum of (q - p) ln(q / p).

    p and q are the shares of the two sets in at most ten parts that hold about equally much of the
    reference. (The symmetric divergence of Jeffreys, 1946, under its name in credit scoring.)
    """
    _, counts = on_one_grid(reference, current)
    cumulative = np.cumsum(counts[0]) / counts[0].sum()
    # A bin belongs to the tenth in which it ends; all that lies behind, to the last one.
    parts = np.minimum(np.ceil(cumulative * _PARTS - 1e-9), _PARTS).astype(int)
    _, places = np.unique(parts, return_inverse=True)
    p, q = (_shares(np.bincount(places, weights=part)) for part in counts)
    return float(((q - p) * np.log(q / p)).sum())


def _shares(counts: np.ndarray) -> np.ndarray:
    raised = counts + _SMOOTHING
    return np.asarray(raised / raised.sum())


def _shifts(mean: Any, std: Any, moved: Any) -> np.ndarray:
    difference = np.subtract(moved, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / std)


def _worst_channel(
    reference: TensorStatistics, current: TensorStatistics
) -> tuple[int | None, float | None]:
    if reference.channels != current.channels:
        return None, None
    shifts = _shifts(reference.channel_mean, reference.channel_std, current.channel_mean)
    known = np.flatnonzero(~np.isnan(shifts))
    if not known.size:
        return None, None
    worst = known[np.argmax(abs(shifts[known]))]
    return int(worst), float(shifts[worst])


def _ratio(value: float, base: float) -> float:
    if base:
        return value / base
    return math.inf if value else 1.0
