"""Columns of text: how wide each is, what does not fit a terminal, how long cells are folded."""

from collections.abc import Iterable, Iterator, Sequence

from tfinspect.display_width import padded, parts, pieces, width_of

# A column that is folded anywhere keeps at least so many characters.
_NARROWEST = 8
_GAP = "  "


def widths(lines: Sequence[Sequence[str]], right: Sequence[bool], room: int | None) -> list[int]:
    """Returns the width of each column, in columns of a terminal.

    Args:
      lines: the header, then the cells of each row.
      right: which columns hold numbers; they and headers are never folded.
      room: columns of a line; None folds nothing.
    """
    natural = _natural(lines)
    if room is None or _taken(natural) <= room:
        return natural
    narrowest = _narrowest(lines, right)
    unbroken = _unbroken(lines, narrowest)
    return _fitted(natural, unbroken if _taken(unbroken) <= room else narrowest, room)


def too_many(
    lines: Sequence[Sequence[str]], right: Sequence[bool], room: int, spare: Iterable[str] = ()
) -> list[str]:
    """Returns the columns without which the others fit.

    Columns of `spare` are given up before a name is folded, where that keeps it whole; else before
    it takes more than about two lines; else before it is broken elsewhere than behind a slash or a
    space. Only then others follow.

    Args:
      lines, right, room: as in `widths`; the first column always stays.
      spare: the columns to give up first, in this order; then the last ones.
    """
    natural = _natural(lines)
    if _taken(natural) <= room:
        return []
    others = list(lines[0])[1:]
    lesser = [name for name in dict.fromkeys(spare) if name in others]
    narrowest = _narrowest(lines, right)
    unbroken = _unbroken(lines, narrowest)
    halves = [max((size + 1) // 2, part) for size, part in zip(natural, unbroken, strict=True)]
    for sizes in (natural, halves, unbroken):
        given_up = _given_up(dict(zip(lines[0], sizes, strict=True)), room, lesser)
        if given_up is not None:
            return given_up
    needed = dict(zip(lines[0], narrowest, strict=True))
    order = list(dict.fromkeys([*lesser, *reversed(others)]))
    found = _given_up(needed, room, order)
    return order if found is None else found


def _given_up(needed: dict[str, int], room: int, order: Sequence[str]) -> list[str] | None:
    """Returns the first columns of an order without which the others fit; None if none do."""
    for count in range(len(order) + 1):
        if _taken([size for name, size in needed.items() if name not in order[:count]]) <= room:
            return list(order[:count])
    return None


def _taken(sizes: Sequence[int]) -> int:
    return sum(sizes) + len(_GAP) * (len(sizes) - 1)


def _natural(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width_of, column)) for column in zip(*lines, strict=True)]


def _narrowest(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> list[int]:
    """Returns the widths below which numbers and headers would be torn."""
    return [
        natural if number else min(natural, max(_NARROWEST, width_of(header)))
        for natural, number, header in zip(_natural(lines), right, lines[0], strict=True)
    ]


def _unbroken(lines: Sequence[Sequence[str]], narrowest: Sequence[int]) -> list[int]:
    """Returns the widths at which no cell is broken elsewhere than behind a slash or a space."""
    return [
        max(least, *(_longest_part(text) for text in column))
        for least, column in zip(narrowest, zip(*lines, strict=True), strict=True)
    ]


def _longest_part(text: str) -> int:
    # A shape is read as one.
    return width_of(text) if text.startswith("[") else max(map(width_of, parts(text)))


def _fitted(natural: list[int], narrowest: list[int], room: int) -> list[int]:
    sizes = list(natural)
    left = room - len(_GAP) * (len(sizes) - 1)
    while sum(sizes) > left:
        foldable = [place for place, size in enumerate(sizes) if size > narrowest[place]]
        if not foldable:
            break
        widest = max(foldable, key=lambda place: sizes[place])
        others = max((sizes[place] for place in foldable if place != widest), default=0)
        target = max(left - (sum(sizes) - sizes[widest]), others - 1, narrowest[widest])
        sizes[widest] = min(target, sizes[widest] - 1)
    return sizes


def laid_out(line: Sequence[str], sizes: list[int], right: Sequence[bool]) -> Iterator[str]:
    """Yields one line of cells, or as many as the longest folded cell takes."""
    if all(width_of(text) <= size for text, size in zip(line, sizes, strict=True)):
        yield _joined(line, sizes, right)
        return
    folded = [list(pieces(text, size)) for text, size in zip(line, sizes, strict=True)]
    for place in range(max(map(len, folded))):
        part = [cell[place] if place < len(cell) else "" for cell in folded]
        yield _joined(part, sizes, right)


def _joined(line: Sequence[str], sizes: list[int], right: Sequence[bool]) -> str:
    parts = [
        padded(text, size, right=number)
        for text, size, number in zip(line, sizes, right, strict=True)
    ]
    return _GAP.join(parts).rstrip()
