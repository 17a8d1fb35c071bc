"""The options that say what of a checkpoint goes into a network, and the report of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tfinspect_cli.emit import MACHINE_FORMATS, emit, message

# Columns that say nothing in a table where all rows have the same.
_OFTEN_SILENT = ("rule", "source", "stored_shape", "detail")
_ORDINARY_RULE = "same name"
_LEFT_TO_THE_LOAD = (
    "Nothing was loaded: names, shapes, types and the lengths of the files fit; values and their "
    "checksums are for the load itself."
)
_OPTIONS = (
    click.option(
        "--exclude-scope",
        "exclude_scopes",
        multiple=True,
        metavar="SCOPE",
        help="Scope, by whole components, that keeps initial values; may be given more than once.",
    ),
    click.option(
        "--rename",
        multiple=True,
        metavar="'REGEX=>NEW'",
        help="Rewrites the network's names into the stored ones; may be given more than once.",
    ),
    click.option(
        "--moving-average",
        is_flag=True,
        help="Take the moving averages of variables where they are stored.",
    ),
    click.option(
        "--report", "whole_report", is_flag=True, help="Write what became of every variable."
    ),
)


def load_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--exclude-scope`, `--rename`, `--moving-average` and `--report` to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def load_rules(options: Mapping[str, Any]) -> Any:
    """Takes the library's `LoadRules` out of a command's options.

    Raises:
      ConfigError: a rename rule that cannot be used.
    """
    from tfinspect.renames import parse_rename
    from tfinspect.transfer.load_rules import LoadRules

    return LoadRules(
        tuple(options["exclude_scopes"]),
        tuple(parse_rename(text) for text in options["rename"]),
        options["moving_average"],
    )


@contextmanager
def reported_failure(whole: bool, output_format: str) -> Iterator[None]:
    """Writes the report of a load that fails before its error goes on."""
    from tfinspect.transfer.restore import LoadError

    try:
        yield
    except LoadError as error:
        write_report(error.report, output_format, whole=whole)
        raise


def write_report(report: Any, output_format: str, *, whole: bool, dry: bool = False) -> None:
    """Writes a `LoadReport`: its summary as a message, and the rows where they are asked for.

    Args:
      report: of a load, or of what would be loaded.
      output_format: of the rows.
      whole: whether the rows are asked for.
      dry: whether nothing follows, so that it is said what was not looked at.
    """
    if whole:
        rows = report.records()
        emit(rows if output_format in MACHINE_FORMATS else _brief(report, rows), output_format)
    message(report.summary())
    if dry:
        message(_LEFT_TO_THE_LOAD)


def _brief(report: Any, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = [{**row, "status": report.worded(row["status"])} for row in rows]
    silent = {
        key for key in _OFTEN_SILENT if all(row[key] in (None, "", _ORDINARY_RULE) for row in rows)
    }
    if all(row["source"] in (None, row["name"]) for row in rows):
        silent.add("source")
    if all(row["stored_shape"] == row["shape"] for row in rows):
        silent.add("stored_shape")
    return [{key: value for key, value in row.items() if key not in silent} for row in rows]
