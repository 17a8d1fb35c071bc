"""Many small images with captions on one sheet."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError
from tfinspect.plots.grid import PAPER
from tfinspect.plots.lettering import INK, PALE_INK, ending, fitted, font
from tfinspect.plots.scaling import scaled_to

_CELL = 96  # pixels of an image's longer side
_GAP = 10
_CAPTION = 20  # of one line
_MARGIN = 18
_TITLE = 40
_FONT_SIZE = 13
_TITLE_FONT_SIZE = 18
_MAT = (240, 241, 243)

# Caption, image uint8 [H, W, 3]. A second line of the caption is a place, and keeps its end.
Cell = tuple[str, np.ndarray]


def write_contact_sheet(path: str, cells: Sequence[Cell], *, title: str, columns: int = 10) -> None:
    """Draws images row by row and writes them as PNG.

    Small images are enlarged by a whole factor, so that their pixels stay square and sharp.

    Raises:
      DataError: there is no image, or the file cannot be written.
    """
    if not cells:
        raise DataError(f"there is no image to draw on the contact sheet '{path}'; leave it out.")
    sheet = draw_contact_sheet(cells, title=title, columns=columns)
    with files.writing(path) as stream:
        sheet.save(stream, format="PNG")


def draw_contact_sheet(cells: Sequence[Cell], *, title: str, columns: int = 10) -> Any:
    """Draws images row by row on a new Pillow image."""
    from PIL import Image, ImageDraw

    columns = max(4, min(columns, len(cells)))
    rows = math.ceil(len(cells) / columns)
    width = 2 * _MARGIN + columns * (_CELL + _GAP) - _GAP
    lines = 1 + max(caption.count("\n") for caption, _ in cells)
    row = _CELL + lines * _CAPTION + _GAP
    height = _MARGIN + _TITLE + rows * row - _GAP + _MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text(
        (_MARGIN, _MARGIN),
        fitted(title, width - 2 * _MARGIN, _TITLE_FONT_SIZE),
        fill=INK,
        font=font(_TITLE_FONT_SIZE),
    )
    for index, cell in enumerate(cells):
        left = _MARGIN + index % columns * (_CELL + _GAP)
        top = _MARGIN + _TITLE + index // columns * row
        _place(sheet, draw, cell, (left, top))
    return sheet


def _place(sheet: Any, draw: Any, cell: Cell, corner: tuple[int, int]) -> None:
    from PIL import Image

    left, top = corner
    draw.rectangle((left, top, left + _CELL - 1, top + _CELL - 1), fill=_MAT)
    image = Image.fromarray(scaled_to(cell[1], _CELL))
    sheet.paste(image, (left + (_CELL - image.width) // 2, top + (_CELL - image.height) // 2))
    first, *place = cell[0].split("\n", 1)
    shown = [fitted(first, _CELL, _FONT_SIZE), *(ending(one, _CELL, _FONT_SIZE) for one in place)]
    for number, line in enumerate(shown):
        corner = (left + _CELL // 2, top + _CELL + 3 + number * _CAPTION)
        draw.text(corner, line, fill=PALE_INK, font=font(_FONT_SIZE), anchor="ma")
