"""Flat records as text: table, tree, JSON, CSV and Markdown, in plain Python.

Every function takes rows, mappings with equal keys, and returns an iterator of lines without their
ends, so that a long listing is written while it is made.
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
# A folded column keeps at least so many characters.
_NARROWEST = 8
_GAP = "  "


def cell(value: Any) -> str:
    """Words one value: four significant digits, thousands separated, None as `-`.

    >>> cell(1234567), cell((3, 3, None, 32)), cell(0.123456)
    ('1,234,567', '[3, 3, ?, 32]', '0.1235')
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        return value if value.isprintable() else printable(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return _sequence(tuple(value))
    return printable(str(value))


@functools.lru_cache(maxsize=4096)
def _sequence(value: tuple[Any, ...]) -> str:
    if value and all(isinstance(item, str) for item in value):
        return printable(", ".join(value))
    return f"[{', '.join('?' if item is None else str(item) for item in value)}]"


def printable(text: str) -> str:
    """Escapes what would move a terminal's cursor: names in a file may hold anything."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in text
    )


def plain(value: Any) -> Any:
    """Words one value for CSV and Markdown: numbers as they are, the rest as in a table."""
    if value is None:
        return ""
    return value if isinstance(value, (int, float, str)) else cell(value)


def as_json(rows: Sequence[Row]) -> Iterator[str]:
    """One JSON array of flat objects, an object a line."""
    import json

    if not rows:
        yield "[]"
        return
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    last = len(rows) - 1
    yield "["
    for place, row in enumerate(rows):
        try:
            line = encode(dict(row))
        except ValueError:
            line = encode({key: _finite(value) for key, value in row.items()})
        yield f"  {line}{'' if place == last else ','}"
    yield "]"


def _finite(value: Any) -> Any:
    # JSON has no NaN and no infinities; as text they are at least not lost.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(rows: Sequence[Row]) -> Iterator[str]:
    """CSV with a header; a value that holds a comma, a quote or a line end is quoted."""
    import csv

    class _Lines:
        def write(self, line: str) -> str:
            return line.removesuffix("\n")

    if rows:
        writer: Any = csv.writer(_Lines(), lineterminator="\n")
        yield writer.writerow(rows[0])
        for row in rows:
            yield writer.writerow([plain(value) for value in row.values()])


def as_markdown(rows: Sequence[Row]) -> Iterator[str]:
    """A pipe table; numbers to the right."""
    if not rows:
        return
    right = _numbers(rows)
    yield f"| {' | '.join(rows[0])} |"
    yield f"|{'|'.join('---:' if number else '---' for number in right)}|"
    for row in rows:
        cells = (cell(value).replace("\\", "\\\\").replace("|", "\\|") for value in row.values())
        yield f"| {' | '.join(cells)} |"


def _numbers(rows: Sequence[Row]) -> list[bool]:
    return [
        _is_number(next((row[key] for row in rows if row[key] is not None), None))
        for key in rows[0]
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_table(rows: Sequence[Row], width: int | None = None) -> Iterator[str]:
    """Columns under a ruled header; numbers to the right.

    Args:
      rows: the records.
      width: characters of the terminal; the widest columns are folded to fit. None never folds.
    """
    if not rows:
        return
    right = _numbers(rows)
    lines = [[str(key) for key in rows[0]]]
    lines += [[cell(value) for value in row.values()] for row in rows]
    natural = [max(map(len, column)) for column in zip(*lines, strict=True)]
    widths = natural if width is None else _fitted(natural, width)
    rule = ["─" * size for size in widths]
    for line in (lines[0], rule, *lines[1:]):
        yield from _laid_out(line, widths, right)


def _fitted(natural: list[int], width: int) -> list[int]:
    widths = list(natural)
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = widths.index(max(widths))
        others = sorted(widths)[-2] if len(widths) > 1 else 0
        target = max(room - (sum(widths) - widths[widest]), others - 1, _NARROWEST)
        widths[widest] = min(target, widths[widest] - 1)
    return widths


def _laid_out(line: Sequence[str], widths: list[int], right: list[bool]) -> Iterator[str]:
    if all(len(text) <= size for text, size in zip(line, widths, strict=True)):
        yield _joined(line, widths, right)
        return
    folded = [_folded(text, size) for text, size in zip(line, widths, strict=True)]
    for place in range(max(map(len, folded))):
        part = [pieces[place] if place < len(pieces) else "" for pieces in folded]
        yield _joined(part, widths, right)


def _joined(line: Sequence[str], widths: list[int], right: list[bool]) -> str:
    parts = [
        text.rjust(size) if number else text.ljust(size)
        for text, size, number in zip(line, widths, right, strict=True)
    ]
    return _GAP.join(parts).rstrip()


def _folded(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]


def as_tree(rows: Sequence[Row]) -> Iterator[str]:
    """Names as a tree of scopes, each branch with the sum of its integers.

    The first column is the name; the others stand behind it, as in a table.
    """
    if not rows:
        return
    name_key, *columns = rows[0]
    root = _branches(rows, name_key)
    drawn = [{name_key: label, **_values(node, columns)} for label, node in _drawn(root)]
    yield from as_table(drawn)


class _Node:
    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.row: Row | None = None
        self.sums: dict[str, int] = {}


def _branches(rows: Sequence[Row], name_key: str) -> _Node:
    root = _Node()
    for row in rows:
        amounts = {
            key: value for key, value in row.items() if isinstance(value, int) and _is_number(value)
        }
        node = root
        for component in str(row[name_key]).split("/"):
            node = node.children.setdefault(component, _Node())
            for key, value in amounts.items():
                node.sums[key] = node.sums.get(key, 0) + value
        node.row = row
    return root


def _values(node: _Node, columns: Iterable[str]) -> Row:
    if node.row is not None:
        return {key: node.row[key] for key in columns}
    return {key: node.sums.get(key, "") for key in columns}


def _drawn(root: _Node) -> Iterator[tuple[str, _Node]]:
    # Without recursion: names may have any number of components.
    stack = [(iter(root.children.items()), "", len(root.children))]
    while stack:
        children, indent, left = stack.pop()
        found = next(children, None)
        if found is None:
            continue
        label, node = found
        stack.append((children, indent, left - 1))
        top = len(stack) == 1
        last = left == 1
        yield indent + ("" if top else "└─ " if last else "├─ ") + label, node
        deeper = indent + ("" if top else "   " if last else "│  ")
        stack.append((iter(node.children.items()), deeper, len(node.children)))


RENDERERS: dict[str, Callable[[Sequence[Row]], Iterator[str]]] = {
    "table": as_table,
    "tree": as_tree,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
}
