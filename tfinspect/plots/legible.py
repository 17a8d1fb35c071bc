"""Labels as pictures can show them: by name, or by number where the font lacks a letter."""

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tfinspect.plots.lettering import font

_SIZE = 16
# A noncharacter, which no font has: it is drawn as every missing letter is.
_MISSING = "\uffff"
_MOST_NAMED = 5


def legible(labels: Sequence[str]) -> list[str]:
    """Returns the labels, those with letters that the font lacks as their numbers.

    >>> legible(["grün", "明"])
    ['grün', '#1']
    """
    return [legible_label(label, number) for number, label in enumerate(labels)]


def legible_label(label: str, number: int | None) -> str:
    """Returns a label, or its number where the font lacks a letter of it."""
    if not any(map(_is_missing, label)):
        return label
    return legible_text(label) if number is None else f"#{number}"


def legible_text(text: str) -> str:
    """Returns a text that has no number, with `?` for letters in a row that the font lacks.

    >>> legible_text("明るい 1.png")
    '? 1.png'
    """
    groups = itertools.groupby(text, _is_missing)
    return "".join("?" if missing else "".join(letters) for missing, letters in groups)


def substitutes(labels: Sequence[str] | Mapping[int, str]) -> str | None:
    """Words which numbers stand for which labels, at most five; None where the font has all.

    Args:
      labels: all of them in order, or some by their number.

    >>> substitutes(["a", "明"])
    "the pictures' font lacks letters of 1 label, drawn as numbers: #1 is '明'"
    """
    numbered = labels if isinstance(labels, Mapping) else dict(enumerate(labels))
    named = [
        f"{legible_label(label, number)} is '{label}'"
        for number, label in numbered.items()
        if any(map(_is_missing, label))
    ]
    if not named:
        return None
    what = "1 label" if len(named) == 1 else f"{len(named):,} labels"
    more = ", and so on" if len(named) > _MOST_NAMED else ""
    return (
        f"the pictures' font lacks letters of {what}, drawn as numbers: "
        f"{', '.join(named[:_MOST_NAMED])}{more}"
    )


@lru_cache(maxsize=4096)
def _is_missing(letter: str) -> bool:
    return _drawn(letter) == _drawn(_MISSING)


def _drawn(letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font(_SIZE).getmask(letter)
    return mask.size, bytes(mask)
