"""`tfinspect list-tensors`: what the ops of a graph make."""

from typing import Any

import click

from tfinspect import graph_listing, tensors
from tfinspect_cli.emit import MACHINE_FORMATS, emit, message, tree_format_option
from tfinspect_cli.tensor_options import criteria_of, tensor_options, view_of


@click.command(
    "list-tensors", epilog="Example: tfinspect list-tensors model.meta --op-type Relu --by-scope"
)
@click.argument("artifact")
@tensor_options
@click.option("--shapes", is_flag=True, help="Start TensorFlow to infer shapes not in the file.")
@tree_format_option
def command(artifact: str, shapes: bool, output_format: str, **options: Any) -> None:
    """List every op output of a GraphDef, MetaGraph or SavedModel.

    The names are those to feed and to fetch. Dtypes come from the op definitions, shapes from the
    file where it has them; TensorFlow is started for --shapes alone. A scope, pattern or name that
    matches nothing is an error.
    """
    criteria, view = criteria_of(options), view_of(options)
    opened = tensors.open_graph_artifact(artifact)
    chosen = tensors.select_from(opened, criteria, shapes=shapes)
    for note in opened.graph_notes:
        message(f"Note: {note}")
    uses = tensors.uses(opened, criteria)
    brief = output_format not in MACHINE_FORMATS
    emit(graph_listing.rows(chosen, view, uses=uses, brief=brief), output_format)
    message(graph_listing.totals_sentence(chosen))
