"""A picture as a list of texts, boxes and pixels, which a PNG or an SVG is made of."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.plots.grid import Color
from tfinspect.plots.lettering import INK

# Viewers refuse larger ones, or take minutes.
MAX_PIXELS = 100_000_000


@dataclass(frozen=True)
class Text:
    """One line of text.

    Attributes:
      left, baseline: pixels; where `anchor` (`start`, `middle`, `end`) of the text is.
      size: pixels.
    """

    left: int
    baseline: int
    text: str
    size: int
    color: Color = INK
    anchor: str = "start"


@dataclass(frozen=True)
class Box:
    """A rectangle.

    Attributes:
      left, top, width, height: pixels, the line included.
      fill: None leaves what is below it.
      line: color of the line along its edge, on the inside; None draws none.
      line_width: pixels.
    """

    left: int
    top: int
    width: int
    height: int
    fill: Color | None = None
    line: Color | None = None
    line_width: int = 1


@dataclass(frozen=True)
class Pixels:
    """Pixels as they are: uint8 `[rows, cols, 3]`, their first at `left`, `top`."""

    left: int
    top: int
    values: np.ndarray


Item: TypeAlias = Text | Box | Pixels


@dataclass(frozen=True)
class Picture:
    """Items on paper, later ones above earlier ones; sizes in pixels."""

    width: int
    height: int
    items: tuple[Item, ...] = ()

    def moved(self, right: int, down: int) -> tuple[Item, ...]:
        """Returns the items at another place, for a larger picture."""
        return tuple(_moved(item, right, down) for item in self.items)


def _moved(item: Item, right: int, down: int) -> Item:
    if isinstance(item, Text):
        return replace(item, left=item.left + right, baseline=item.baseline + down)
    return replace(item, left=item.left + right, top=item.top + down)


def shelved(pictures: Iterable[Picture], width: int, gap: int) -> Picture:
    """Puts pictures beside each other, in rows of at most `width` pixels where they are narrower.

    Raises:
      ConfigError: the result would have more than MAX_PIXELS pixels.
    """
    placed: list[tuple[Picture, int, int]] = []
    left = top = row_height = widest = 0
    for picture in pictures:
        if left and left + picture.width > width:
            left, top, row_height = 0, top + row_height + gap, 0
        placed.append((picture, left, top))
        left += picture.width + gap
        widest = max(widest, left - gap)
        row_height = max(row_height, picture.height)
    height = top + row_height
    if widest * height > MAX_PIXELS:
        raise ConfigError(
            f"one page of {len(placed):,} pictures would have {widest:,} x {height:,} pixels; "
            "write one file for each, or choose fewer."
        )
    items = [item for picture, right, down in placed for item in picture.moved(right, down)]
    return Picture(widest, height, tuple(items))
