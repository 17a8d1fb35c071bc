"""How many columns of a terminal a text takes: characters of East Asian scripts take two.

Source: Unicode Standard Annex #11 (East Asian Width). Marks that combine with the character before
them, the later parts of a decomposed Hangul syllable, and joiners, take none; characters of
ambiguous width count as narrow, as outside East Asian locales.
"""

import re
import unicodedata
from collections.abc import Iterator

_WIDE = frozenset("WF")
_NO_COLUMN = frozenset(("Mn", "Me", "Cf"))
# Vowels and final consonants of decomposed Hangul, drawn into the syllable of the first consonant.
_IN_A_SYLLABLE = ("\u1160", "\u11ff"), ("\ud7b0", "\ud7ff")
_PART = re.compile(r"[^/ ]*[/ ]+|[^/ ]+")


def width_of(text: str) -> int:
    """Returns the columns of a text without control characters."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in _NO_COLUMN:
        return 0
    if any(first <= char <= last for first, last in _IN_A_SYLLABLE):
        return 0
    return 2 if unicodedata.east_asian_width(char) in _WIDE else 1


def padded(text: str, size: int, *, right: bool) -> str:
    """Fills a text up to a width, with spaces behind it or, for `right`, before it."""
    size += len(text) - width_of(text)
    return text.rjust(size) if right else text.ljust(size)


def parts(text: str) -> list[str]:
    """Returns a text in the parts between which it is best broken: behind slashes and spaces.

    >>> parts("resnet/conv1/weights")
    ['resnet/', 'conv1/', 'weights']
    """
    return _PART.findall(text) or [""]


def pieces(text: str, size: int) -> Iterator[str]:
    """Yields a text in pieces of at most `size` columns; one empty piece for an empty text.

    It is broken behind slashes and spaces, and within what lies between them only where that is
    wider than `size`. A mark stays with its character, and a character that is wider than `size` is
    a piece.
    """
    line, taken = "", 0
    for part in parts(text):
        width = width_of(part)
        if taken and taken + width > size:
            yield line
            line, taken = "", 0
        line, taken = line + part, taken + width
        if taken > size:
            *whole, line = _torn(line, size)
            yield from whole
            taken = width_of(line)
    yield line


def _torn(text: str, size: int) -> Iterator[str]:
    start = taken = 0
    for place, char in enumerate(text):
        columns = _columns(char)
        if taken + columns > size and place > start:
            yield text[start:place]
            start, taken = place, 0
        taken += columns
    yield text[start:]
