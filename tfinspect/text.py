"""Flat records as text: table, tree, JSON, CSV and Markdown, in plain Python.

Every function takes rows, mappings with equal keys, and returns an iterator of lines without their
ends, so that a long listing is written while it is made.
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tfinspect import columns
from tfinspect.joiners import JOINERS, joins

Row = Mapping[str, Any]
# Below so many scopes a tree shows the rest of a name as one: indents add up to the square.
_DEEPEST = 100
# Their equals are written alike; those of others, such as 1 of True and 1.0, are not.
_CACHED = frozenset((int, str, type(None)))


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
        word = _sequence_again if _CACHED.issuperset(map(type, value)) else _sequence
        return word(tuple(value))
    return printable(str(value))


def _sequence(value: tuple[Any, ...]) -> str:
    if value and all(isinstance(item, str) for item in value):
        return printable(", ".join(value))
    return f"[{', '.join('?' if item is None else str(item) for item in value)}]"


_sequence_again = functools.lru_cache(maxsize=4096)(_sequence)


def printable(text: str) -> str:
    """Escapes what would move a terminal's cursor: names in a file may hold anything.

    Joiners stay within emoji, and within words of scripts that need them; elsewhere they would make
    two names look like one.
    """
    return "".join(
        char
        if char.isprintable() or (char in JOINERS and joins(text, place))
        else char.encode("unicode_escape", "backslashreplace").decode()
        for place, char in enumerate(text)
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
      width: characters of the terminal; the widest columns of text are folded to fit, numbers and
        headers never. None never folds. See `columns_too_many` for what then does not fit.
    """
    if not rows:
        return
    right = _numbers(rows)
    lines = _cells(rows)
    widths = columns.widths(lines, right, width)
    rule = ["─" * size for size in widths]
    for line in (lines[0], rule, *lines[1:]):
        yield from columns.laid_out(line, widths, right)


def columns_too_many(
    rows: Sequence[Row], width: int | None, spare: Iterable[str] = ()
) -> list[str]:
    """Returns the columns without which a table fits a width, however its text is folded.

    Args:
      rows: the records; their first column always stays.
      width: as in `as_table`.
      spare: the columns to give up first, in this order; then the last ones.
    """
    if not rows or width is None:
        return []
    return columns.too_many(_cells(rows), _numbers(rows), width, spare)


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    return [
        [str(key) for key in rows[0]],
        *([cell(value) for value in row.values()] for row in rows),
    ]


def as_tree(rows: Sequence[Row]) -> Iterator[str]:
    """Names as a tree of scopes, each branch with what its numbers come to: see `_OVER_A_SCOPE`.

    The first column is the name; the others stand behind it, as in a table. Rows of one name stand
    below each other. Where the first column is a `scope`, the row of a scope has the numbers of all
    that is in it, at any depth.
    """
    if not rows:
        return
    name_key, *others = rows[0]
    root = _branches(rows, name_key)
    added_up = name_key == "scope"
    drawn = [
        {name_key: label, **values}
        for label, node in _drawn(root)
        for values in _values(node, others, added_up)
    ]
    yield from as_table(drawn)


def _sum(one: float, other: float) -> float:
    return one + other


# What the numbers of a branch come to; integers of other columns are added up.
_OVER_A_SCOPE: dict[str, Callable[[Any, Any], Any] | None] = {
    "min": min,
    "max": max,
    # Of findings: values, filters or channels.
    "count": None,
}


class _Node:
    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.rows: list[Row] = []
        self.amounts: dict[str, Any] = {}

    def add(self, amounts: Row) -> None:
        for key, value in amounts.items():
            combined = _OVER_A_SCOPE.get(key, _sum)
            if combined is not None:
                held = self.amounts.get(key)
                self.amounts[key] = value if held is None else combined(held, value)


def _branches(rows: Sequence[Row], name_key: str) -> _Node:
    root = _Node()
    for row in rows:
        amounts = {
            key: value
            for key, value in row.items()
            if _is_number(value) and (isinstance(value, int) or key in _OVER_A_SCOPE)
        }
        node = root
        for component in str(row[name_key]).split("/", _DEEPEST):
            node = node.children.setdefault(component, _Node())
            node.add(amounts)
        node.rows.append(row)
    return root


def _values(node: _Node, keys: Sequence[str], added_up: bool) -> Iterator[Row]:
    if added_up or not node.rows:
        yield {key: node.amounts.get(key, "") for key in keys}
        return
    for row in node.rows:
        yield {key: row[key] for key in keys}


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
