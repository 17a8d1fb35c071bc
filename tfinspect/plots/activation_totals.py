"""What a tensor is over all images: a histogram of its values and one bar a channel."""

import numpy as np

from tfinspect.plots.bars import axis_ends, bar_chart
from tfinspect.plots.drawing import Item, Picture, Pixels, Text
from tfinspect.plots.lettering import PALE_INK
from tfinspect.tensor_statistics import TensorStatistics

AXIS_WIDTH = 62  # for the numbers at the left of a chart
_SIDE, _HEIGHT, _TOP, _GAP = 480, 96, 18, 20
_SMALL, _NORMAL = 12, 14


def overall(statistics: TensorStatistics, unit: str, *, means: bool) -> Picture:
    """Draws both charts, with the numbers below.

    Args:
      statistics: over all images.
      unit: what a channel is, such as "channel".
      means: whether to draw the bars; where one image is all, they are that image's own.
    """
    items = _values(statistics)
    left = 0
    if means:
        left = AXIS_WIDTH + _SIDE + _GAP
        items += _means(left, statistics, unit)
    items.append(Text(0, _HEIGHT + 56, _numbers(statistics, unit), _NORMAL))
    return Picture(left + AXIS_WIDTH + _SIDE, _HEIGHT + 62, tuple(items))


def _values(statistics: TensorStatistics) -> list[Item]:
    items: list[Item] = [
        Text(AXIS_WIDTH, 12, "values (count, log scale)", _SMALL, PALE_INK),
    ]
    bins = statistics.histogram
    if bins is None:
        return items
    chart = bar_chart(np.log1p(bins.counts), _HEIGHT, _SIDE)
    items.append(Pixels(AXIS_WIDTH, _TOP, chart))
    items += axis(AXIS_WIDTH, _TOP, _HEIGHT, (0, float(bins.counts.max())))
    return items + _edges(AXIS_WIDTH, bins.edges)


def _means(left: int, statistics: TensorStatistics, unit: str) -> list[Item]:
    means, dead = statistics.channel_mean, statistics.channel_zeros == 1
    words = f"mean of each {unit}"
    words += f"; {statistics.dead:,} dead, on red" if statistics.dead else ""
    ends = axis_ends(means)
    left += AXIS_WIDTH
    return [
        Text(left, 12, words, _SMALL, PALE_INK),
        Pixels(left, _TOP, bar_chart(means, _HEIGHT, _SIDE, limits=ends, marked=dead)),
        *axis(left, _TOP, _HEIGHT, ends),
        *below(left, _SIDE, _TOP + _HEIGHT, (f"{unit} 0", str(statistics.channels - 1))),
    ]


def axis(left: int, top: int, height: int, ends: tuple[float, float]) -> list[Item]:
    """Writes the values at the edges of a chart at its left, and 0 where it lies between."""
    low, high = ends
    items: list[Item] = [
        Text(left - 6, top + 10, number(high), _SMALL, PALE_INK, "end"),
        Text(left - 6, top + height, number(low), _SMALL, PALE_INK, "end"),
    ]
    zero = top + round(height * high / (high - low)) + 4
    if low < 0 < high and top + 22 < zero < top + height - 12:
        items.append(Text(left - 6, zero, "0", _SMALL, PALE_INK, "end"))
    return items


def below(left: int, width: int, bottom: int, ends: tuple[str, str]) -> list[Item]:
    """Writes two words below the ends of a chart."""
    return [
        Text(left, bottom + 14, ends[0], _SMALL, PALE_INK),
        Text(left + width, bottom + 14, ends[1], _SMALL, PALE_INK, "end"),
    ]


def _edges(left: int, edges: np.ndarray) -> list[Item]:
    low, high = float(edges[0]), float(edges[-1])
    items = below(left, _SIDE, _TOP + _HEIGHT, (number(low), number(high)))
    zero = left + round(_SIDE * -low / (high - low))
    if left + 60 < zero < left + _SIDE - 60:
        items.append(Text(zero, _TOP + _HEIGHT + 14, "0", _SMALL, PALE_INK, "middle"))
    return items


def _numbers(statistics: TensorStatistics, unit: str) -> str:
    if statistics.mean is None:
        return "no finite value"
    told = [f"{key} {number(getattr(statistics, key))}" for key in ("mean", "std", "min", "max")]
    told.append(f"zeros {statistics.zeros:.1%}")
    if statistics.saturated is not None:
        told.append(f"saturated {statistics.saturated:.1%}")
    told.append(f"dead {plural(unit)} {statistics.dead:,} of {statistics.channels:,}")
    return "     ".join(told)


def plural(unit: str) -> str:
    """Returns the word for several.

    >>> plural("class"), plural("channel")
    ('classes', 'channels')
    """
    return f"{unit}es" if unit.endswith("s") else f"{unit}s"


def number(value: float) -> str:
    """Words a value with four digits."""
    return f"{value:.4g}"
