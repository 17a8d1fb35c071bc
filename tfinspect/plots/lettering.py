"""Type and ink of drawn pictures: one font, and texts that fit a width."""

import importlib.util
import os
from functools import lru_cache
from typing import Any

from tfinspect.plots.grid import Color

INK: Color = (33, 37, 41)
PALE_INK: Color = (95, 102, 110)
_FONT = ("mpl-data", "fonts", "ttf", "DejaVuSans.ttf")


@lru_cache(maxsize=16)
def font(size: int) -> Any:
    """Returns DejaVu Sans, which matplotlib ships: names may be in most alphabets.

    Its file is opened without importing matplotlib. The basic layout is the same on every machine.
    """
    from PIL import ImageFont

    return ImageFont.truetype(_font_file(), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _font_file() -> str:
    found = importlib.util.find_spec("matplotlib")
    assert found is not None
    assert found.submodule_search_locations is not None
    return os.path.join(found.submodule_search_locations[0], *_FONT)


def text_width(text: str, size: int) -> float:
    """Returns the width of a line in pixels."""
    return float(font(size).getlength(text))


def fitted(text: str, width: float, size: int) -> str:
    """Returns the text, shortened with an ellipsis where it is wider than `width` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def ending(text: str, width: float, size: int) -> str:
    """Returns the text, or of one that is wider than `width` pixels its end, after an ellipsis."""
    return fitted(text[::-1], width, size)[::-1]


def both_ends(text: str, width: float, size: int) -> str:
    """Returns the text, or of one that is wider than `width` pixels its beginning and its end.

    The end is the longer one: names of many classes differ there.
    """
    if text_width(text, size) <= width:
        return text
    kept = len(text) - 1
    while kept and text_width(_without_middle(text, kept), size) > width:
        kept -= 1
    return _without_middle(text, kept)


def _without_middle(text: str, kept: int) -> str:
    end = (kept + 1) // 2
    return f"{text[: kept - end]}…{text[len(text) - end :]}"


def wrapped(text: str, width: float, size: int) -> list[str]:
    """Returns the lines of a text that is broken after spaces and slashes, or where it must be."""
    lines: list[str] = []
    while text:
        count = _fitting(text, width, size)
        if count < len(text):
            nice = max(text.rfind(" ", 0, count), text.rfind("/", 0, count)) + 1
            count = nice or count
        lines.append(text[:count].rstrip())
        text = text[count:].lstrip()
    return lines


def _fitting(text: str, width: float, size: int) -> int:
    count = 1
    while count < len(text) and text_width(text[: count + 1], size) <= width:
        count += 1
    return count
