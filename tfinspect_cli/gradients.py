"""`tfinspect gradients`."""

from typing import Any

import click

from tfinspect_cli.emit import emit, format_option, message
from tfinspect_cli.model_options import model_options, take_model_options
from tfinspect_cli.stages import stages
from tfinspect_cli.writable import check_writable

_ONE_FILE = (".h5", ".hdf5")


@click.command("gradients", epilog="Example: tfinspect gradients runs/digits --output hardest")
@click.argument("model_source", metavar="MODEL", type=click.Path())
@click.option(
    "--data", metavar="DATA", help="Name or path of labelled images.  [default: the run's own]"
)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="train",
    show_default=True,
    help="Wrong labels matter most where the model learned them.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many examples.")
@click.option(
    "--by",
    type=click.Choice(["loss", "norm", "disagreement"]),
    default="loss",
    show_default=True,
    help="Loss, norm of the gradient, or how far it points away from its class's mean.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many are shown."
)
@click.option("--norms-csv", metavar="FILE", help="Write all examples with their scores here.")
@click.option(
    "--output", metavar="DIR", help="Directory for the table, a histogram and a contact sheet."
)
@click.option(
    "--arrays",
    metavar="DIR|FILE",
    help="Write every example's gradient here: a directory of .npy files, or FILE.h5.",
)
@click.option("--memory", help="What a chunk of examples may take, such as 2GB.")
@model_options
@format_option
def command(
    model_source: str,
    top: int,
    norms_csv: str | None,
    output: str | None,
    arrays: str | None,
    output_format: str,
    **options: Any,
) -> None:
    """Show which examples pull hardest at a model's weights: the suspicious labels.

    MODEL is a run directory, or with --data any model that can be differentiated: a SavedModel, a
    graph, a Keras file, or a network's name with --checkpoint.
    """
    # Arrays are one file, or a directory of files.
    one_file = arrays is not None and arrays.endswith(_ONE_FILE)
    check_writable(
        written=[norms_csv, arrays if one_file else None],
        directories=[output, None if one_file else arrays],
    )
    from tfinspect.model import load_model
    from tfinspect.ranking import output as written
    from tfinspect.ranking import rank_examples

    model = load_model(model_source, **take_model_options(options))
    for note in model.notes:
        message(f"Note: {note}")
    with stages() as report:
        ranking = rank_examples(model_source, model=model, **options, progress=report)
        if arrays is not None:
            written.write_arrays(ranking, arrays, report)
    emit([vars(one) for one in ranking.examples[:top]], output_format)
    if norms_csv is not None:
        written.write_csv(ranking, norms_csv)
        message(f"Wrote {norms_csv}")
    if output is not None:
        for path in written.write_pictures(ranking, output):
            message(f"Wrote {path}")
        lacking = written.font_note(ranking)
        if lacking is not None:
            message(f"Note: {lacking}.")
    if arrays is not None:
        message(f"Wrote {arrays}")
    for rule in sorted({rule for rule in ranking.rules.values() if ":" in rule}):
        message(f"Note: not by rules per op but by {rule}")
