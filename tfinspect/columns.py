"""Columns of text: how wide each is, what does not fit a terminal, how long cells are folded."""

from collections.abc import Iterable, Iterator, Sequence

from tfinspect.display_width import padded, pieces, width_of

# A folded column keeps at least so many characters.
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
    return natural if room is None else _fitted(natural, _narrowest(lines, right), room)


def too_many(
    lines: Sequence[Sequence[str]], right: Sequence[bool], room: int, spare: Iterable[str] = ()
) -> list[str]:
    """Returns the columns without which the others fit, however their text is folded.

    Args:
      lines, right, room: as in `widths`; the first column always stays.
      spare: the columns to give up first, in this order; then the last ones.
    """
    needed = dict(zip(lines[0], _narrowest(lines, right), strict=True))
    others = list(needed)[1:]
    given_up: list[str] = []
    for name in dict.fromkeys([*(name for name in spare if name in others), *reversed(others)]):
        if sum(needed.values()) + len(_GAP) * (len(needed) - 1) <= room:
            break
        given_up.append(name)
        del needed[name]
    return given_up


def _natural(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width_of, column)) for column in zip(*lines, strict=True)]


def _narrowest(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> list[int]:
    """Returns the widths below which numbers and headers would be torn."""
    return [
        natural if number else min(natural, max(_NARROWEST, width_of(header)))
        for natural, number, header in zip(_natural(lines), right, lines[0], strict=True)
    ]


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
