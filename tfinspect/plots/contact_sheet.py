"""Many small images with captions on one sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError
from tfinspect.plots.grid import PAPER, Color
from tfinspect.plots.lettering import (
    INK,
    PALE_INK,
    both_ends,
    ending,
    fitted,
    font,
    text_width,
    wrapped,
)
from tfinspect.plots.scaling import scaled_to

MARK: Color = (200, 30, 40)
_CELL = 96  # pixels of an image's longer side
_WIDEST = 160  # of a column, which captions may widen
_GAP, _ROW_GAP = 10, 16  # frames need the latter
_CAPTION = 20  # of one line
_FRAME = 4
_MARGIN = 18
_TITLE = 26  # of one line
_SUBTITLE = 19
_FONT_SIZE = 13
_TITLE_FONT_SIZE = 18
_MAT = (240, 241, 243)
_ARROW = "→ "


@dataclass(frozen=True, eq=False)
class Cell:
    """One image and what stands below it.

    Attributes:
      image: uint8 `[H, W, 3]`.
      names: a label, and perhaps a prediction. Both stand on one line where that is wide enough
        for those of every cell, else on a line each; long ones lose their middle.
      lead: before the first name, never shortened.
      facts: lines of their own, never shortened unless the widest column is too narrow.
      place: the last line, of which a long one keeps its end; empty for none.
      marked: draws a frame around the image and the names in its color.
    """

    image: np.ndarray
    names: tuple[str, ...] = ()
    lead: str = ""
    facts: tuple[str, ...] = ()
    place: str = ""
    marked: bool = False


@dataclass(frozen=True)
class _Form:
    """What all cells of a sheet have in common: the width of a column, and lines of captions."""

    column: int
    one_line: bool
    lines: int

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "_Form":
        one_line = max(_width(_joined(cell)) for cell in cells) <= _CELL
        names = 1 if one_line else max(len(cell.names) for cell in cells)
        texts = [
            text
            for cell in cells
            for text in (*((_joined(cell),) if one_line else _by_line(cell)), *cell.facts)
        ]
        # The place's beginning says least, and is not worth a wider sheet.
        column = min(max(_CELL, math.ceil(max(map(_width, texts)))), _WIDEST)
        facts, places = (max(len(cell.facts) for cell in cells), any(cell.place for cell in cells))
        return cls(column, one_line, names + facts + places)

    def names(self, cell: Cell) -> list[str]:
        if self.one_line:
            return [_joined(cell)]
        lines = []
        for number, name in enumerate(cell.names):
            before = _before(cell, number)
            lines.append(before + both_ends(name, self.column - _width(before), _FONT_SIZE))
        return lines

    def others(self, cell: Cell) -> list[str]:
        facts = [fitted(fact, self.column, _FONT_SIZE) for fact in cell.facts]
        return [*facts, *([ending(cell.place, self.column, _FONT_SIZE)] if cell.place else [])]


def _before(cell: Cell, number: int) -> str:
    return _ARROW if number else cell.lead


def _joined(cell: Cell) -> str:
    return cell.lead + f" {_ARROW}".join(cell.names)


def _by_line(cell: Cell) -> list[str]:
    return [_before(cell, number) + name for number, name in enumerate(cell.names)]


def _width(text: str) -> float:
    return text_width(text, _FONT_SIZE)


def write_contact_sheet(
    path: str, cells: Sequence[Cell], *, title: str, subtitle: str = "", columns: int = 10
) -> None:
    """Draws images row by row and writes them as PNG.

    Small images are enlarged by a whole factor, so that their pixels stay square and sharp.

    Raises:
      DataError: there is no image, or the file cannot be written.
    """
    if not cells:
        raise DataError(f"there is no image to draw on the contact sheet '{path}'; leave it out.")
    sheet = draw_contact_sheet(cells, title=title, subtitle=subtitle, columns=columns)
    with files.writing(path) as stream:
        sheet.save(stream, format="PNG")


def draw_contact_sheet(
    cells: Sequence[Cell], *, title: str, subtitle: str = "", columns: int = 10
) -> Any:
    """Draws images row by row on a new Pillow image; long titles take several lines."""
    from PIL import Image, ImageDraw

    form = _Form.of(cells)
    columns = max(4, min(columns, len(cells)))
    rows = math.ceil(len(cells) / columns)
    width = columns * (form.column + _GAP) - _GAP
    row = _CELL + form.lines * _CAPTION + _ROW_GAP
    head, first = _head(title, subtitle, width)
    height = first + rows * row - _ROW_GAP + _MARGIN
    sheet = Image.new("RGB", (width + 2 * _MARGIN, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for top, line, size, color in head:
        draw.text((_MARGIN, top), line, fill=color, font=font(size))
    for index, cell in enumerate(cells):
        left = _MARGIN + index % columns * (form.column + _GAP)
        _draw(sheet, draw, form, cell, (left, first + index // columns * row))
    return sheet


def _head(title: str, subtitle: str, width: int) -> tuple[list[tuple[int, str, int, Color]], int]:
    """Returns the lines above the images, and where these begin."""
    lines, top = [], _MARGIN
    for text, size, height, color in (
        (title, _TITLE_FONT_SIZE, _TITLE, INK),
        (subtitle, _FONT_SIZE, _SUBTITLE, PALE_INK),
    ):
        for line in wrapped(text, width, size):
            lines.append((top, line, size, color))
            top += height
    return lines, top + 14


def _draw(sheet: Any, draw: Any, form: _Form, cell: Cell, corner: tuple[int, int]) -> None:
    from PIL import Image

    middle, top = corner[0] + form.column // 2, corner[1]
    left = middle - _CELL // 2
    if cell.marked:
        around = (left - _FRAME, top - _FRAME, left + _CELL + _FRAME - 1, top + _CELL + _FRAME - 1)
        draw.rectangle(around, outline=MARK, width=_FRAME - 1)
    draw.rectangle((left, top, left + _CELL - 1, top + _CELL - 1), fill=_MAT)
    image = Image.fromarray(scaled_to(cell.image, _CELL))
    sheet.paste(image, (left + (_CELL - image.width) // 2, top + (_CELL - image.height) // 2))
    names, others = form.names(cell), form.others(cell)
    for number, line in enumerate([*names, *others]):
        named = number < len(names)
        color = MARK if cell.marked and named else INK if named and others else PALE_INK
        place = (middle, top + _CELL + 5 + number * _CAPTION)
        draw.text(place, line, fill=color, font=font(_FONT_SIZE), anchor="ma")
