"""`tfinspect nets`: the networks that can be built."""

import click

from tfinspect_cli.emit import MACHINE_FORMATS, emit, format_option, message

# What a table too wide for the terminal does without.
_LESS_THAN_NAMES = ("checkpoint", "paper", "label_offset", "classes", "preprocessing", "flops")


@click.command("nets", epilog="Example: tfinspect nets --match inception")
@click.option("--match", metavar="REGEX", help="Only names in which the pattern is found.")
@format_option
def command(match: str | None, output_format: str) -> None:
    """List the networks that can be built, with what their weights come with.

    Parameters count all variables, moving averages too. FLOPs are those of one image of the
    network's own size; a multiply and an add are two. A label offset of 1 means that class 0 is a
    background class, so that the first label of the data is class 1. CHECKPOINT is where the
    weights were published; --checkpoint of other commands takes the network's name for it. JSON and
    CSV have more columns.
    """
    from tfinspect.nets.catalog import brief, network_rows, remark

    rows = network_rows(match)
    shown = rows if output_format in MACHINE_FORMATS else [brief(row) for row in rows]
    emit(shown, output_format, spare=_LESS_THAN_NAMES)
    message(remark(rows))
