"""Labels as pictures can show them: by name, or by number where the font lacks a letter."""

from collections.abc import Sequence
from functools import lru_cache

from tfinspect.plots.lettering import font

_SIZE = 16
# A noncharacter, which no font has: it is drawn as every missing letter is.
_MISSING = "\uffff"


def legible(labels: Sequence[str]) -> list[str]:
    """Returns the labels, those with letters that the font lacks as their numbers.

    >>> legible(["grün", "明"])
    ['grün', '#1']
    """
    return [
        f"#{number}" if any(map(_is_missing, label)) else label
        for number, label in enumerate(labels)
    ]


@lru_cache(maxsize=4096)
def _is_missing(letter: str) -> bool:
    return _drawn(letter) == _drawn(_MISSING)


def _drawn(letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font(_SIZE).getmask(letter)
    return mask.size, bytes(mask)
