"""What the values of a tensor are like over many batches, whole and by channel; NumPy alone."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import histogram

# Values looked at at once: their float64 copies stay in a core's cache.
_PART = 1 << 17
# Ops with a bounded output -> at most and at least these values count as saturated: within 1 % of
# the range from a bound. What is exactly zero is counted apart.
SATURATION: dict[str, tuple[float, float]] = {
    "Sigmoid": (0.01, 0.99),
    "Tanh": (-0.98, 0.98),
    "Softsign": (-0.98, 0.98),
    "Relu6": (-math.inf, 5.94),
    "Elu": (-0.99, math.inf),
    "Selu": (-1.74, math.inf),
}


@dataclass(frozen=True, eq=False)
class TensorStatistics:
    """Statistics of one tensor; those in floats are of the finite values, None without any.

    Attributes:
      values: how many values were seen.
      min, max, mean, std, norm: `std` divides by the number of values, `norm` is the Euclidean one.
      zeros: share of values that are exactly zero, 0..1.
      saturated: share of values at a bound of the op that makes them; None for unbounded ops.
      channels: size of the last axis; 1 for a tensor of less than two axes.
      dead: number of channels in which every value is zero.
      nan, inf: how many values are not a number, or infinite.
      histogram: of the finite values; None without any.
      channel_mean, channel_std: float64 `[C]`, NaN where a channel has no finite value.
      channel_zeros: share of zeros, float64 `[C]`.
    """

    values: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    norm: float | None
    zeros: float | None
    saturated: float | None
    channels: int
    dead: int
    nan: int
    inf: int
    histogram: histogram.Histogram | None
    channel_mean: np.ndarray
    channel_std: np.ndarray
    channel_zeros: np.ndarray

    def row(self) -> dict[str, Any]:
        """Returns the numbers that tables show; their keys are stable."""
        keys = ("min", "max", "mean", "std", "zeros", "saturated", "channels", "dead", "nan", "inf")
        return {key: getattr(self, key) for key in keys}


class RunningStatistics:
    """Statistics that batches are added to; moments are merged after Chan et al. (1979)."""

    def __init__(self, saturation: tuple[float, float] | None = None) -> None:
        """Starts with no value; `saturation` are the thresholds of a bounded op."""
        self._saturation = saturation
        self._saturated = self._nan = self._inf = 0
        self._low, self._high = math.inf, -math.inf
        self._histogram: histogram.Histogram | None = None
        self._channels: _Channels | None = None

    def add(self, values: np.ndarray) -> None:
        """Adds a batch `[N, ..., C]` of any real type; C is the same in every batch.

        A tensor of less than two axes has one channel.
        """
        channels = values.shape[-1] if values.ndim > 1 else 1
        if self._channels is None:
            self._channels = _Channels(channels)
        if values.size == 0:
            return
        rows = values.reshape(-1, channels)
        step = max(1, _PART // channels)
        for start in range(0, len(rows), step):
            self._add(rows[start : start + step].astype(np.float64), self._channels)

    def _add(self, rows: np.ndarray, channels: "_Channels") -> None:
        finite = np.isfinite(rows)
        whole = bool(finite.all())
        kept = rows.reshape(-1) if whole else rows[finite]
        if self._saturation is not None:
            low, high = self._saturation
            self._saturated += int(np.count_nonzero((kept <= low) | (kept >= high)))
        if not whole:
            nan = int(np.count_nonzero(np.isnan(rows)))
            self._nan += nan
            self._inf += rows.size - kept.size - nan
        if kept.size:
            self._low = min(self._low, float(kept.min()))
            self._high = max(self._high, float(kept.max()))
            self._histogram = histogram.merged(self._histogram, histogram.histogram(kept))
        channels.add(rows, None if whole else finite)

    def result(self) -> TensorStatistics:
        """Returns the statistics of everything that was added."""
        channels = self._channels or _Channels(1)
        values, finite = channels.rows * len(channels.count), int(channels.count.sum())
        mean, deviation = channels.together()
        return TensorStatistics(
            values=values,
            min=self._low if finite else None,
            max=self._high if finite else None,
            mean=mean if finite else None,
            std=math.sqrt(deviation / finite) if finite else None,
            norm=math.sqrt(deviation + finite * mean**2) if finite else None,
            zeros=int(channels.zeros.sum()) / values if values else None,
            saturated=self._saturated / values if values and self._saturation else None,
            channels=len(channels.count),
            dead=int(np.count_nonzero(channels.zeros == channels.rows)) if channels.rows else 0,
            nan=self._nan,
            inf=self._inf,
            histogram=self._histogram,
            channel_mean=np.where(channels.count > 0, channels.mean, np.nan),
            channel_std=channels.std(),
            channel_zeros=channels.zeros / max(channels.rows, 1),
        )


def tensor_statistics(
    values: np.ndarray, saturation: tuple[float, float] | None = None
) -> TensorStatistics:
    """Returns the statistics of one array `[N, ..., C]`, as `RunningStatistics` counts them."""
    running = RunningStatistics(saturation)
    running.add(values)
    return running.result()


class _Channels:
    """Moments of the finite values of each channel, and zeros."""

    def __init__(self, channels: int) -> None:
        self.rows = 0
        self.count, self.zeros = np.zeros((2, channels), np.int64)
        self.mean, self.deviation = np.zeros((2, channels))

    def add(self, rows: np.ndarray, finite: np.ndarray | None) -> None:
        """Adds float64 `[rows, C]`; `finite` marks what counts, None is everything."""
        self.rows += len(rows)
        self.zeros += np.count_nonzero(rows == 0, axis=0)
        if finite is None:
            count = np.full(rows.shape[1], len(rows))
        else:
            count, rows = finite.sum(axis=0), np.where(finite, rows, 0.0)
        mean = rows.sum(axis=0) / np.maximum(count, 1)
        centred = rows - mean if finite is None else np.where(finite, rows - mean, 0.0)
        deviation = np.einsum("rc,rc->c", centred, centred)
        total = np.maximum(self.count + count, 1)
        difference = mean - self.mean
        self.deviation += deviation + difference**2 * self.count * count / total
        self.mean += difference * count / total
        self.count += count

    def together(self) -> tuple[float, float]:
        """Returns the mean of all channels' values, and their summed squares around it."""
        total = max(int(self.count.sum()), 1)
        mean = float(self.mean @ self.count) / total
        between = float((self.mean - mean) ** 2 @ self.count)
        return mean, float(self.deviation.sum()) + between

    def std(self) -> np.ndarray:
        """Returns float64 `[C]`, NaN where a channel has no finite value."""
        spread = np.sqrt(self.deviation / np.maximum(self.count, 1))
        return np.where(self.count > 0, spread, np.nan)
