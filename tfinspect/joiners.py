"""Where the zero-width joiner and non-joiner belong, and do not just make two names look like one.

Source: Unicode Standard 23.2 (cursive connection and ligatures), and the sequences of Unicode
Technical Standard #51 (emoji).
"""

from unicodedata import category

JOINERS = "\u200c\u200d"
# First and last character of the blocks whose letters take other forms beside each other.
_CURSIVE = (
    ("\u0600", "\u077f"),  # Arabic, Syriac
    ("\u07c0", "\u07ff"),  # N'Ko
    ("\u0840", "\u08ff"),  # Mandaic, further Syriac and Arabic
    ("\u0900", "\u0dff"),  # Devanagari to Sinhala
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1780", "\u18af"),  # Khmer, Mongolian
)
_LETTERS = ("Lo", "Lm")
_MARKS = ("Mn", "Mc")
_PICTURES = "So"
# The style of a picture, and skin tones, follow a picture.
_STYLE = "\ufe0f"
_TONES = ("\U0001f3fb", "\U0001f3ff")


def joins(text: str, place: int) -> bool:
    """Tells whether a joiner stands between letters of a cursive script, or between pictures.

    >>> joins("\\N{WOMAN}\\u200d\\N{PERSONAL COMPUTER}", 1), joins("pay\\u200dpal", 3)
    (True, False)
    """
    before, after = text[max(place - 1, 0) : place], text[place + 1 : place + 2]
    if not before or not after:
        return False
    if category(after) == _PICTURES:
        picture = category(before) == _PICTURES or before == _STYLE
        return picture or _TONES[0] <= before <= _TONES[1]
    return _is_cursive(before, (*_LETTERS, *_MARKS)) and _is_cursive(after, _LETTERS)


def _is_cursive(char: str, categories: tuple[str, ...]) -> bool:
    return category(char) in categories and any(first <= char <= last for first, last in _CURSIVE)
