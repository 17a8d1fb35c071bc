"""One tensor on one sheet: its channels for sample images, its values and its channels over all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tfinspect.plots.activation_tiles import channel_tiles
from tfinspect.plots.activation_totals import AXIS_WIDTH, axis, below, number, overall, plural
from tfinspect.plots.bars import axis_ends, bar_chart
from tfinspect.plots.colors import SHOWN_SHARE, ColorScale, color_bar, overlaid, scale_of
from tfinspect.plots.drawing import Box, Item, Picture, Pixels, Text
from tfinspect.plots.grid import GridStyle, grid_layout, tile_grid
from tfinspect.plots.legible import legible
from tfinspect.plots.lettering import INK, PALE_INK, both_ends, ending, fitted, text_width
from tfinspect.plots.scaling import scaled_to, stretched
from tfinspect.tensor_statistics import TensorStatistics

IMAGE_SIDE = 128
_GRID_WIDTH = 1060
_TILE_SIDE = 64  # of each of many channels, in pixels
_GAP = 20
_MARGIN = 24
_INDEX_WIDTH = 34
# Bars with a label, of each sample.
_MOST_LABELS = 5
_LABEL_WIDTH = 200
# Labels below bars widen these so far.
_WIDEST_BAR = 84
_SMALL, _NORMAL, _LARGE = 12, 14, 20
_MAT = (240, 241, 243)


class TensorValues(Protocol):
    """What is drawn of a tensor; `tfinspect.probe.activations.Activation` is one."""

    @property
    def name(self) -> str:
        """Of the tensor."""

    @property
    def end_point(self) -> str | None:
        """Its name among the end points."""

    @property
    def op_type(self) -> str:
        """Of the op that makes it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the axis of the images."""

    @property
    def statistics(self) -> TensorStatistics:
        """Over all images."""

    @property
    def samples(self) -> np.ndarray:
        """Float32 `[S, ..., K]`."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Indices of the K channels."""

    @property
    def strength(self) -> np.ndarray | None:
        """Float32 `[S, H, W]`, mean magnitude over all channels."""


@dataclass(frozen=True, eq=False)
class SampleImage:
    """An image beside the channels: uint8 `[H, W, 3]`, with words below it."""

    caption: str
    pixels: np.ndarray


def activation_sheet(
    tensor: TensorValues,
    images: Sequence[SampleImage],
    counted: int,
    labels: Sequence[str] | None = None,
) -> Picture:
    """Draws a tensor.

    Args:
      tensor: with values for S sample images.
      images: these S images, as the model sees them.
      counted: number of images that the statistics are of.
      labels: names of the model's classes: the largest bars of a vector of as many channels are
        named by them; None where they are not known.
    """
    labels = legible(labels) if labels and named_by(tensor, labels) else None
    unit = "class" if labels or _is_softmax(tensor) else "channel"
    means = tensor.statistics.channel_mean
    # Bars have room for outliers, colours have not.
    shown = 1.0 if tensor.samples.ndim == 2 else SHOWN_SHARE
    scale = scale_of(tensor.samples, shown)
    rows = [_sample(tensor, place, image, scale, labels) for place, image in enumerate(images)]
    if labels is not None:
        rows = [_named(row, tensor, place, labels) for place, row in enumerate(rows)]
    own = counted == 1 and tensor.samples.ndim == 2 and len(tensor.channels) == len(means)
    totals = overall(tensor.statistics, unit, means=not own)
    blocks = [_legend(tensor, scale, unit), *rows, totals]
    width = max(max(block.width for block in blocks), 2 * IMAGE_SIDE + _GAP + 420)
    items, top = _head(tensor, counted, width), _MARGIN + 62
    for block in blocks:
        items += block.moved(_MARGIN, top)
        top += block.height + _GAP
    return Picture(width + 2 * _MARGIN, top - _GAP + _MARGIN, tuple(items))


def named_by(tensor: TensorValues, labels: Sequence[str] | None) -> bool:
    """Says whether a tensor's channels are the classes that the labels name."""
    return len(tensor.shape) == 1 and len(labels or ()) == tensor.statistics.channels


def _is_softmax(tensor: TensorValues) -> bool:
    return len(tensor.shape) == 1 and tensor.op_type == "Softmax"


def _head(tensor: TensorValues, counted: int, width: int) -> list[Item]:
    statistics = tensor.statistics
    shape = ", ".join(map(str, ("N", *tensor.shape)))
    told = f"{tensor.op_type} · [{shape}] · {counted:,} image{'s' * (counted > 1)}"
    if tensor.end_point is not None:
        told = f"{tensor.name} · {told}"
    title = fitted(tensor.end_point or tensor.name, width, _LARGE)
    items: list[Item] = [
        Text(_MARGIN, _MARGIN + 18, title, _LARGE),
        Text(_MARGIN, _MARGIN + 42, fitted(told, width, _NORMAL), _NORMAL, PALE_INK),
    ]
    broken = [(statistics.nan, "NaN"), (statistics.inf, "infinite")]
    words = ", ".join(f"{what} values: {count:,}" for count, what in broken if count)
    if words:
        right = _MARGIN + width
        items.append(Text(right, _MARGIN + 18, words, _NORMAL, (200, 0, 130), "end"))
    return items


def _legend(tensor: TensorValues, scale: ColorScale, unit: str) -> Picture:
    left = _channels_left(tensor)
    left += AXIS_WIDTH if tensor.samples.ndim == 2 else _INDEX_WIDTH
    items: list[Item] = [Text(0, 14, "input", _SMALL, PALE_INK)]
    if tensor.samples.ndim == 2:
        words = f"{_sampled(tensor, unit)}{_broken(tensor.samples)}"
        return Picture(left + 400, 12, (*items, Text(left, 14, words, _SMALL, PALE_INK)))
    items += [
        Pixels(left, 4, color_bar(scale, 160, 12)),
        Text(left - 6, 14, number(scale.low), _SMALL, PALE_INK, "end"),
        Text(left + 166, 14, number(scale.high), _SMALL, PALE_INK),
    ]
    if tensor.samples.ndim > 3:
        words = f"{_sampled(tensor, unit)}; index of a row's first at its left"
        items.append(Text(left + 240, 14, words, _SMALL, PALE_INK))
    if tensor.strength is not None:
        items.append(Text(IMAGE_SIDE + _GAP, 14, "mean magnitude", _SMALL, PALE_INK))
    clipped = _clipped(tensor.samples, scale)
    if clipped:
        items.append(Text(left, 32, clipped, _SMALL, PALE_INK))
    return Picture(left + 640, 30 if clipped else 12, tuple(items))


def _clipped(values: np.ndarray, scale: ColorScale) -> str:
    """Says that values lie beyond the colours; an empty text where none do."""
    largest = float(abs(values[np.isfinite(values)]).max(initial=0))
    # The scale is in double precision.
    if largest <= scale.high * (1 + 1e-6):
        return ""
    return (
        f"colors end at {SHOWN_SHARE:.1%} of these images' magnitudes; the largest is "
        f"{number(largest)}"
    )


def _broken(values: np.ndarray) -> str:
    broken = values.size - np.count_nonzero(np.isfinite(values))
    if broken == values.size:
        return ", no finite value, all magenta"
    return f"; {broken:,} not finite, magenta" if broken else ""


def _sampled(tensor: TensorValues, unit: str) -> str:
    shown, channels = len(tensor.channels), tensor.statistics.channels
    if shown == channels:
        return f"{channels} {unit if channels == 1 else plural(unit)}"
    return f"{shown} of {channels:,} {plural(unit)}, evenly spread"


def _channels_left(tensor: TensorValues) -> int:
    return (IMAGE_SIDE + _GAP) * (1 if tensor.strength is None else 2)


def _sample(
    tensor: TensorValues,
    place: int,
    image: SampleImage,
    scale: ColorScale,
    labels: Sequence[str] | None,
) -> Picture:
    shown = scaled_to(image.pixels, IMAGE_SIDE)
    items: list[Item] = [*_framed(0, shown)]
    left = _channels_left(tensor)
    caption = ending(image.caption, left - _GAP, _SMALL)
    items.append(Text(0, IMAGE_SIDE + 18, caption, _SMALL, INK))
    if tensor.strength is not None:
        heat = stretched(tensor.strength[place], *shown.shape[:2])
        items += _framed(IMAGE_SIDE + _GAP, overlaid(shown, heat))
    bars = tensor.samples.ndim == 2
    grid = _bars(tensor, place, scale, labels) if bars else _channels(tensor, place, scale)
    items += grid.moved(left, 0)
    return Picture(left + grid.width, max(IMAGE_SIDE + 24, grid.height), tuple(items))


def _named(row: Picture, tensor: TensorValues, place: int, labels: Sequence[str]) -> Picture:
    """Puts the labels of the largest bars at the right of a sample."""
    values, left = tensor.samples[place], row.width + _GAP
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
    largest = [index for index in order[:_MOST_LABELS] if np.isfinite(values[index])]
    items = list(row.items)
    for line, index in enumerate(largest):
        label = both_ends(labels[tensor.channels[index]], _LABEL_WIDTH - 70, _SMALL)
        words = f"{label}: {number(values[index])}"
        items.append(Text(left, 14 + 18 * line, words, _SMALL, INK))
    return Picture(left + _LABEL_WIDTH, row.height, tuple(items))


def _framed(left: int, pixels: np.ndarray) -> list[Item]:
    height, width = pixels.shape[:2]
    inset = (IMAGE_SIDE - width) // 2, (IMAGE_SIDE - height) // 2
    return [
        Box(left, 0, IMAGE_SIDE, IMAGE_SIDE, fill=_MAT),
        Pixels(left + inset[0], inset[1], pixels),
    ]


def _channels(tensor: TensorValues, place: int, scale: ColorScale) -> Picture:
    """Draws the channels of one image on a grid."""
    sample = tensor.samples[place]
    tiles = channel_tiles(sample, _GRID_WIDTH)
    height, width = tiles.shape[1:]
    # A few channels have room to be as large as the image.
    side = IMAGE_SIDE if len(tiles) * (IMAGE_SIDE + 2) <= _GRID_WIDTH else _TILE_SIDE
    enlarge = max(1, side // max(height, width))
    rows = math.ceil(len(tiles) / max(1, _GRID_WIDTH // (enlarge * width + 2)))
    columns = math.ceil(len(tiles) / rows)
    style = GridStyle("fixed", (0.0, 1.0), columns, padding=2, enlarge=enlarge)
    layout = grid_layout(len(tiles), height, width, style)
    items: list[Item] = [Pixels(_INDEX_WIDTH, 0, tile_grid(scale.rgb(tiles), style))]
    if sample.ndim > 2:
        for first in range(0, len(tiles), columns):
            baseline = layout.corner(first)[0] + layout.tile_height // 2 + 4
            index = str(tensor.channels[first])
            items.append(Text(_INDEX_WIDTH - 6, baseline, index, _SMALL, PALE_INK, "end"))
    return Picture(_INDEX_WIDTH + layout.width, layout.height, tuple(items))


def _bars(
    tensor: TensorValues, place: int, scale: ColorScale, labels: Sequence[str] | None
) -> Picture:
    """Draws the channels of one image as bars, and below them their labels, or the first and last.

    A label is left out where it would run into the next.
    """
    sample = tensor.samples[place]
    shown = [labels[index] for index in tensor.channels] if labels else []
    widest = max((math.ceil(text_width(name, _SMALL)) + 8 for name in shown), default=0)
    fit = bool(shown) and widest <= _WIDEST_BAR and widest * len(sample) <= _GRID_WIDTH
    width = min(_GRID_WIDTH, max(240, max(14, widest if fit else 0) * len(sample)))
    ends = axis_ends(np.array([scale.low, scale.high]))
    items: list[Item] = [
        Pixels(AXIS_WIDTH, 0, bar_chart(sample, IMAGE_SIDE, width, limits=ends)),
        *axis(AXIS_WIDTH, 0, IMAGE_SIDE, ends),
    ]
    if fit:
        for bar, name in enumerate(shown):
            middle = AXIS_WIDTH + round(width * (bar + 0.5) / len(shown))
            items.append(Text(middle, IMAGE_SIDE + 14, name, _SMALL, PALE_INK, "middle"))
    else:
        first, last = tensor.channels[0], tensor.channels[-1]
        items += below(AXIS_WIDTH, width, IMAGE_SIDE, (str(first), str(last)))
    return Picture(AXIS_WIDTH + width, IMAGE_SIDE + 18, tuple(items))
