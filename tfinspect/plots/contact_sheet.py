"""Many small images with captions on one sheet."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError

_CELL = 96  # pixels of an image's longer side
_GAP = 10
_CAPTION = 20
_MARGIN = 18
_TITLE = 40
_FONT_SIZE = 13
_TITLE_FONT_SIZE = 18
_PAPER = (255, 255, 255)
_MAT = (240, 241, 243)
_INK = (33, 37, 41)
_PALE_INK = (95, 102, 110)

Cell = tuple[str, np.ndarray]  # caption, image uint8 [H, W, 3]


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
    height = _MARGIN + _TITLE + rows * (_CELL + _CAPTION + _GAP) - _GAP + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text(
        (_MARGIN, _MARGIN),
        _fitted(draw, title, width - 2 * _MARGIN, _TITLE_FONT_SIZE),
        fill=_INK,
        font=_font(_TITLE_FONT_SIZE),
    )
    for index, cell in enumerate(cells):
        left = _MARGIN + index % columns * (_CELL + _GAP)
        top = _MARGIN + _TITLE + index // columns * (_CELL + _CAPTION + _GAP)
        _place(sheet, draw, cell, (left, top))
    return sheet


def _place(sheet: Any, draw: Any, cell: Cell, corner: tuple[int, int]) -> None:
    left, top = corner
    draw.rectangle((left, top, left + _CELL - 1, top + _CELL - 1), fill=_MAT)
    image = _scaled(cell[1])
    sheet.paste(image, (left + (_CELL - image.width) // 2, top + (_CELL - image.height) // 2))
    draw.text(
        (left + _CELL // 2, top + _CELL + 3),
        _fitted(draw, cell[0], _CELL, _FONT_SIZE),
        fill=_PALE_INK,
        font=_font(_FONT_SIZE),
        anchor="ma",
    )


def _scaled(image: np.ndarray) -> Any:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    longer = max(picture.size)
    if longer <= _CELL:
        factor = _CELL // longer
        size = (picture.width * factor, picture.height * factor)
        return picture.resize(size, Image.Resampling.NEAREST)
    size = tuple(max(1, round(side * _CELL / longer)) for side in picture.size)
    return picture.resize(size, Image.Resampling.LANCZOS)


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def _fitted(draw: Any, text: str, width: int, size: int) -> str:
    font = _font(size)
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text + "…"
