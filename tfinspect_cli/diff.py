"""`tfinspect diff`: two artifacts compared."""

from collections import Counter
from typing import Any

import click

from tfinspect.artifacts import open_artifact
from tfinspect.names import counted
from tfinspect.renames import parse_rename
from tfinspect_cli.emit import MACHINE_FORMATS, emit, format_option, message
from tfinspect_cli.stages import progress

FOUND_SOMETHING = 1
_LESS_THAN_MEASURES = ("other_dtype", "other_shape", "dtype", "shape")


@click.command("diff", epilog="Example: tfinspect diff before.ckpt after.keras --tolerance 1e-6")
@click.argument("a")
@click.argument("b")
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="'REGEX=>TEXT'",
    help="Replace in A's names before comparing; may be given more than once.",
)
@click.option(
    "--tolerance",
    type=float,
    default=0.0,
    show_default=True,
    help="Relative L2 difference up to which values count as equal.",
)
@click.option(
    "--scope",
    multiple=True,
    metavar="SCOPE",
    help="Only this scope, by whole components; may be given more than once.",
)
@click.option("--quiet", is_flag=True, help="Write nothing; the exit status tells.")
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    a: str,
    b: str,
    quiet: bool,
    output_format: str,
    **options: Any,
) -> None:
    """Compare the variables of two artifacts A and B, of any formats.

    Tells what was added, removed, renamed, reshaped, retyped and changed, and by how much; values
    that are equal are counted, and listed in JSON and CSV alone. Optimizer slots are left out.
    Exits with 1 when A and B differ, or when a value of one alone can be read; what neither holds
    a value of counts by name, shape and type, and is told.
    """
    import tfinspect

    first, second = open_artifact(a), open_artifact(b)
    options["renames"] = [parse_rename(rename) for rename in options["renames"]]
    options["scope"] = options["scope"] or None
    found = tfinspect.diff(first, second, processes=None, **options)
    if quiet:
        ctx.exit(FOUND_SOMETHING * any(one.status != "equal" for one in found))
    rows = []
    with progress("comparing", len(first.variables)) as advance:
        for difference in found:
            rows.append(difference.row())
            advance()
    for note in dict.fromkeys((*first.notes, *second.notes)):
        message(f"Note: {note}")
    differing = [row for row in rows if row["status"] != "equal"]
    shown = rows if output_format in MACHINE_FORMATS else _brief(differing)
    emit(shown, output_format, spare=_LESS_THAN_MEASURES)
    counts = Counter(row["status"] for row in rows)
    reasons = [row["reason"] for row in rows if row["reason"]]
    if reasons:
        message(
            f"Note: {counted(len(reasons), 'value')} cannot be read: name, shape and type count. "
            f"The first: {reasons[0]}"
        )
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    message(
        f"{counted(len(rows), 'variable')}: {told}."
        if rows
        else "There are no variables to compare."
    )
    ctx.exit(FOUND_SOMETHING * bool(differing))


def _brief(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the rows for people: without other names where there is none, and reasons."""
    left_out = {"reason"} if any(row["other"] for row in rows) else {"reason", "other"}
    return [{key: row[key] for key in row if key not in left_out} for row in rows]
