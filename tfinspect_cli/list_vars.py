"""`tfinspect list-vars`: the variables of an artifact."""

from typing import Any

import click

from tfinspect import listing
from tfinspect.artifacts import open_artifact
from tfinspect.names import counted
from tfinspect_cli import variable_output
from tfinspect_cli.emit import message, tree_format_option
from tfinspect_cli.selection_options import selection_options

FOUND_SOMETHING = 1
# What may be written in place of the plain listing.
_VIEWS = ("by_scope", "stats", "health")


@click.command(
    "list-vars", epilog="Example: tfinspect list-vars model.ckpt --scope resnet/stage1 --by-scope"
)
@click.argument("artifact")
@selection_options
@click.option("--collection", metavar="NAME", help="Only variables in this graph collection.")
@click.option("--trainable", is_flag=True, help="Only variables known to be trainable.")
@click.option("--optimizer", is_flag=True, help="Also optimizer slots.")
@click.option(
    "--sort",
    type=click.Choice(listing.SORT_KEYS),
    default="order",
    show_default=True,
    help="By place in the file, by name with numbers as numbers, or largest first.",
)
@click.option("--by-scope", is_flag=True, help="Add up by scope instead of listing.")
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    help="Components of a scope in --by-scope.  [default: all]",
)
@click.option("--stats", is_flag=True, help="Read values too: min, max, mean, std, norm, zeros.")
@click.option("--health", is_flag=True, help="Report suspicious values instead of listing.")
@tree_format_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    artifact: str,
    sort: str,
    depth: int | None,
    output_format: str,
    **chosen: Any,
) -> None:
    """List the variables of a checkpoint, SavedModel, graph, Keras file or run.

    ARTIFACT is any spelling of its path: a checkpoint's prefix, one of its files or its directory,
    a SavedModel's directory, a file. Headers alone are read unless --stats or --health is given,
    and TensorFlow is not started. Optimizer slots are left out unless --optimizer is given. A scope
    or pattern that matches nothing is an error. --health exits with 1 when it finds something,
    --stats when a value cannot be read (NaN and infinity can, and are counted).
    """
    views = [name for name in _VIEWS if chosen.pop(name)]
    if len(views) > 1:
        raise click.UsageError("give one of --by-scope, --stats and --health.")
    if depth is not None and views != ["by_scope"]:
        raise click.UsageError("--depth says how deep --by-scope goes; give both, or neither.")
    opened = open_artifact(artifact)
    chosen_variables = listing.select(opened.variables, listing.Criteria(**chosen))
    variables = listing.sort(chosen_variables, sort)
    for note in opened.notes:
        message(f"Note: {note}")
    if "health" in views:
        ctx.exit(FOUND_SOMETHING * variable_output.write_health(opened, variables, output_format))
    broken = False
    if "by_scope" in views:
        variable_output.write_scopes(variables, depth, output_format)
    elif "stats" in views:
        broken = variable_output.write_stats(opened, variables, output_format)
    else:
        variable_output.write_variables(variables, output_format)
    message(listing.totals(variables).sentence())
    with_slots = listing.select(opened.variables, listing.Criteria(**chosen | {"optimizer": True}))
    hidden = len(with_slots) - len(variables)
    if hidden:
        message(f"Left out: {counted(hidden, 'optimizer slot')}; --optimizer lists them too.")
    if opened.left_out is not None:
        message(f"Left out: {opened.left_out}")
    ctx.exit(FOUND_SOMETHING * broken)
