"""`tfinspect list-tensors`: what the ops of a graph make."""

from dataclasses import replace
from typing import Any

import click

from tfinspect import graph_views, op_costs, python_ops, tensors
from tfinspect_cli.emit import MACHINE_FORMATS, emit, message, tree_format_option
from tfinspect_cli.tensor_options import criteria_of, tensor_options, view_of

# What a table too wide for the terminal does without.
_LESS_THAN_NAMES = ("device", "function", "dtype")


@click.command(
    "list-tensors", epilog="Example: tfinspect list-tensors model.meta --op-type Relu --by-scope"
)
@click.argument("artifact")
@tensor_options
@tree_format_option
def command(artifact: str, output_format: str, **options: Any) -> None:
    """List every op output of a GraphDef, MetaGraph or SavedModel.

    The names are those to feed and to fetch. Dtypes come from the op definitions, shapes from the
    file where it has them; TensorFlow is started for --shapes alone. A scope, pattern or name that
    matches nothing is an error. --flops counts a multiply and an add as two, and one example where
    the batch is unknown.
    """
    criteria, view = criteria_of(options), view_of(options)
    opened = tensors.open_graph_artifact(artifact)
    ops = tensors.ops_of(opened, shapes=options["shapes"])
    chosen = tensors.select_from(opened, criteria, ops)
    if options["flops"]:
        view = replace(view, costs=op_costs.op_costs(ops))
        chosen = graph_views.costed(chosen, view.costs or {})
    for note in [*opened.graph_notes, *python_ops.python_op_notes(ops)]:
        message(f"Note: {note}")
    brief = output_format not in MACHINE_FORMATS
    marks = python_ops.python_op_marks(ops)
    view = replace(view, uses=tensors.uses(opened, criteria), marks=marks, brief=brief)
    emit(graph_views.rows(chosen, view), output_format, spare=_LESS_THAN_NAMES)
    message(graph_views.totals_sentence(chosen, view.costs))
