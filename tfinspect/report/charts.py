"""Small SVG charts that take their colours from the page's style sheet."""

import math
from collections.abc import Sequence

_SPARK_WIDTH, _SPARK_HEIGHT = 96, 22
_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 30
_MOST_TICKS = 5
# From this ratio of the largest to the smallest value on, an axis is logarithmic.
_LOG_RANGE = 50

Series = tuple[str, Sequence[float]]  # CSS class, one value per place of the horizontal axis


def spark_histogram(counts: Sequence[int]) -> str:
    """Draws counts as bars beside each other; an empty string for none."""
    if not counts or not max(counts):
        return ""
    step, tallest = _SPARK_WIDTH / len(counts), max(counts)
    path = []
    for place, count in enumerate(counts):
        # The root keeps the tails visible beside a tall middle.
        height = _SPARK_HEIGHT * math.sqrt(count / tallest)
        if height:
            path.append(
                f"M{place * step:.4g} {_SPARK_HEIGHT}v{-height:.3g}h{step * 0.85:.3g}v{height:.3g}z"
            )
    return (
        f'<svg class="spark" viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" '
        f'aria-hidden="true"><path d="{"".join(path)}"/></svg>'
    )


def line_chart(
    places: Sequence[float],
    series: Sequence[Series],
    *,
    label: str,
    logarithmic: bool | None = None,
    least: float | None = None,
) -> str:
    """Draws lines over a common horizontal axis, of epochs.

    Args:
      places: the horizontal axis, rising.
      series: the lines; values that are not finite leave gaps.
      label: what is drawn, in plain words without markup, for those who cannot see it.
      logarithmic: whether the vertical axis is; None where the values are positive and span much.
      least: the lower end of the vertical axis, at which smaller values are drawn; None for theirs.
    """
    values = [value for _, line in series for value in line if math.isfinite(value)]
    if not values or not places:
        return ""
    if least is not None:
        values = [least, *(max(value, least) for value in values)]
        series = [(name, [max(value, least) for value in line]) for name, line in series]
    scale = _Scale.of(values, logarithmic, least)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
    ]
    parts += [_level(tick, scale) for tick in scale.ticks()]
    parts += [_place(tick, places) for tick in _whole_ticks(places)]
    parts.append(f'<text x="{_LEFT - 8}" y="{_HEIGHT - 8}" text-anchor="end">epoch</text>')
    parts += [_line(name, places, line, scale) for name, line in series]
    return "".join([*parts, "</svg>"])


class _Scale:
    """The vertical axis, linear or logarithmic."""

    def __init__(self, low: float, high: float, logarithmic: bool) -> None:
        self.logarithmic = logarithmic
        self.low, self.high = low, high

    @classmethod
    def of(cls, values: Sequence[float], logarithmic: bool | None, least: float | None) -> "_Scale":
        low, high = min(values), max(values)
        if logarithmic is None:
            logarithmic = low > 0 and high / low > _LOG_RANGE
        if logarithmic and 0 < low < high:
            return cls(math.log10(low), math.log10(high), True)
        spread = (high - low) or abs(high) or 1.0
        return cls(low - (0.04 * spread if least is None else 0), high + 0.04 * spread, False)

    def height(self, value: float) -> float:
        """Returns the vertical place in the picture."""
        number = math.log10(value) if self.logarithmic else value
        share = (number - self.low) / (self.high - self.low)
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.ceil(self.low), math.floor(self.high) + 1)
            return [10.0**power for power in powers]
        step = _round_step((self.high - self.low) / _MOST_TICKS)
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, math.floor(self.high / step) + 1)]


def _round_step(least: float) -> float:
    """Returns the smallest of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def _whole_ticks(places: Sequence[float]) -> list[float]:
    step = max(1.0, _round_step(max(places[-1] - places[0], 1) / 10))
    first = math.ceil(places[0] / step)
    return [n * step for n in range(first, math.floor(places[-1] / step) + 1)]


def _across(place: float, places: Sequence[float]) -> float:
    width = _WIDTH - _LEFT - _RIGHT
    if places[-1] == places[0]:
        return _LEFT + width / 2
    return _LEFT + width * (place - places[0]) / (places[-1] - places[0])


def _level(tick: float, scale: _Scale) -> str:
    y = scale.height(tick)
    return (
        f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.6g}</text>'
    )


def _place(tick: float, places: Sequence[float]) -> str:
    x = _across(tick, places)
    return f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{tick:.6g}</text>'


def _line(name: str, places: Sequence[float], line: Sequence[float], scale: _Scale) -> str:
    path, pen = [], "M"
    for place, value in zip(places, line, strict=True):
        if not math.isfinite(value) or (scale.logarithmic and value <= 0):
            pen = "M"
            continue
        path.append(f"{pen}{_across(place, places):.1f} {scale.height(value):.1f}")
        pen = "L"
    # A line of one point shows by its round cap.
    last = f"{path[-1][1:]}" if path else ""
    dot = f'<circle cx="{last.split()[0]}" cy="{last.split()[1]}" r="3"/>' if last else ""
    return f'<g class="line {name}"><path d="{"".join(path)}"/>{dot}</g>'
