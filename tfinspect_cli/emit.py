"""Records to standard output in any format; messages and progress to standard error."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import click

from tfinspect import text
from tfinspect.text import printable

FORMATS = ("table", "json", "csv", "markdown")
# What a program reads: every column, and nothing but the rows.
MACHINE_FORMATS = ("json", "csv")
# What a terminal or file without Unicode gets in place of a table's and a tree's lines.
_PLAIN_LINES = str.maketrans({"─": "-", "│": "|", "├": "|", "└": "`"})
_LINES_AT_ONCE = 4096


def _format_option(formats: Sequence[str]) -> Callable[..., Any]:
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default="table",
        show_default=True,
        help="How the data on standard output is written.",
    )


format_option = _format_option(FORMATS)
# For rows whose first column is a name with scopes.
tree_format_option = _format_option(tuple(text.RENDERERS))


def emit(rows: Sequence[Mapping[str, Any]], output_format: str, spare: Sequence[str] = ()) -> None:
    """Writes flat records with equal keys in one of the formats of `tfinspect.text`.

    Args:
      rows: the records.
      output_format: the format's name.
      spare: the columns to leave out, in this order, before a table that is too wide for the
        terminal breaks a name; the note says so. Further ones are left out from the right where
        nothing else helps.
    """
    if output_format != "table":
        write_lines(_fit_for_terminal(text.RENDERERS[output_format](rows)))
        return
    width = terminal_width()
    left_out = text.columns_too_many(rows, width, spare)
    if left_out:
        rows = [{key: row[key] for key in row if key not in left_out} for row in rows]
    write_lines(text.as_table(rows, width))
    if left_out:
        message(
            f"Note: {width} characters a line are too few for {', '.join(left_out)}; "
            "a wider terminal, a pipe or --format csv shows all columns."
        )


def _fit_for_terminal(lines: Iterator[str]) -> Iterator[str]:
    # A pipe gets the very letters; a terminal would obey them.
    if sys.stdout is None or not sys.stdout.isatty():
        return lines
    return ("\n".join(map(printable, line.split("\n"))) for line in lines)


def terminal_width() -> int | None:
    """Returns the width of the terminal; None when the output is piped and must not be folded."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdecimal() and int(told):
        return int(told)
    # A terminal that does not know its width says 0.
    return os.get_terminal_size(sys.stdout.fileno()).columns or 80


def write_lines(lines: Iterator[str]) -> None:
    """Writes lines to standard output, many at a time, in letters that its encoding has.

    Raises:
      click.ClickException: standard output is closed, or its disk is full.
    """
    if sys.stdout is None:
        raise _Unwritten("it is closed")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        while part := list(islice(lines, _LINES_AT_ONCE)):
            sys.stdout.write(_encodable("\n".join(part) + "\n", encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; what Python still holds goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _Unwritten(f"{error.strerror}") from error


class _Unwritten(click.ClickException):
    exit_code = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"standard output cannot be written: {reason}.")


def _encodable(block: str, encoding: str) -> str:
    try:
        block.encode(encoding)
    except UnicodeEncodeError:
        block = block.translate(_PLAIN_LINES)
        return block.encode(encoding, "backslashreplace").decode(encoding)
    return block


def message(text: str) -> None:
    """Writes a line for people, to standard error; nobody may be reading it any more."""
    try:
        click.echo("\n".join(map(printable, text.split("\n"))), err=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
