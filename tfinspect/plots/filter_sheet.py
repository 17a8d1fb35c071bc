"""One sheet a layer: title, grids of filters, and what is to be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfinspect.plots.drawing import Box, Item, Picture, Text, shelved
from tfinspect.plots.filter_panel import FilterGrid, draw_filter_grid
from tfinspect.plots.grid import Color
from tfinspect.plots.lettering import INK, PALE_INK, wrapped

_MARGIN, _GAP = 20, 24
_PAGE_TITLE, _TITLE, _SMALL = 20, 16, 12
_TITLE_LINE, _LINE = 22, 18
_SWATCH = 12
_LEAST_WIDTH = 360
_PAGE_WIDTH = 1640


@dataclass(frozen=True)
class Note:
    """A line below the grids, with a swatch of `color` before it; None for none.

    `filled` swatches stand for pixels, the others for outlines.
    """

    text: str
    color: Color | None = None
    filled: bool = False


@dataclass(frozen=True)
class FilterSheet:
    """All that is drawn of one layer."""

    title: str
    subtitle: str
    grids: tuple[FilterGrid, ...]
    notes: tuple[Note, ...] = ()


def draw_filter_sheet(sheet: FilterSheet) -> Picture:
    """Draws one sheet."""
    columns = [draw_filter_grid(grid, len(sheet.grids) > 1) for grid in sheet.grids]
    width = max(sum(column.width + _GAP for column in columns) - _GAP, _LEAST_WIDTH)
    items, top = _lines(sheet.title, (width, _MARGIN), _TITLE, INK)
    below, top = _lines(sheet.subtitle, (width, top), _SMALL, PALE_INK)
    items += below
    left, top = _MARGIN, top + 8
    for column in columns:
        items += column.moved(left, top)
        left += column.width + _GAP
    top += max(column.height for column in columns) + 4
    for note in sheet.notes:
        below, top = _note(note, (width, top))
        items += below
    return Picture(width + 2 * _MARGIN, top + _MARGIN - 6, tuple(items))


def _lines(
    text: str, place: tuple[int, int], size: int, color: Color, indent: int = 0
) -> tuple[list[Item], int]:
    """Returns the lines of a text and the top of what comes below; `place` is width and top."""
    width, top = place
    height = _TITLE_LINE if size > _SMALL else _LINE
    left = _MARGIN + indent
    lines = wrapped(text, width - indent, size)
    items: list[Item] = [
        Text(left, top + size + number * height, line, size, color)
        for number, line in enumerate(lines)
    ]
    return items, top + len(lines) * height


def _note(note: Note, place: tuple[int, int]) -> tuple[list[Item], int]:
    if note.color is None:
        return _lines(note.text, place, _SMALL, PALE_INK)
    items, below = _lines(note.text, place, _SMALL, PALE_INK, indent=_SWATCH + 8)
    fill, line = (note.color, None) if note.filled else (None, note.color)
    swatch = Box(_MARGIN, place[1] + 1, _SWATCH, _SWATCH, fill, line, 2)
    return [swatch, *items], below


def draw_filter_page(title: str, sheets: Sequence[FilterSheet]) -> Picture:
    """Draws several sheets on one page, under its title; a single one stays as it is.

    Raises:
      ConfigError: the page would be larger than viewers take.
    """
    drawn = [draw_filter_sheet(sheet) for sheet in sheets]
    if len(drawn) == 1:
        return drawn[0]
    shelves = shelved(drawn, _PAGE_WIDTH, 0)
    items, top = _lines(title, (shelves.width - 2 * _MARGIN, _MARGIN), _PAGE_TITLE, INK)
    height = top + shelves.height
    return Picture(shelves.width, height, (*items, *shelves.moved(0, top)))
