"""`tfinspect gradients`."""

import click

from tfinspect_cli.emit import emit, format_option, message
from tfinspect_cli.stages import stages


@click.command("gradients", epilog="Example: tfinspect gradients runs/digits --output hardest")
@click.argument("model_source", metavar="MODEL", type=click.Path())
@click.option("--data", help="Name or path of labelled images.  [default: the run's own]")
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
@click.option("--norms-csv", type=click.Path(), help="Write all examples with their scores here.")
@click.option(
    "--output", type=click.Path(), help="Directory for the table, a histogram and a contact sheet."
)
@click.option("--memory", help="What a chunk of examples may take, such as 2GB.")
@format_option
def command(
    model_source: str,
    data: str | None,
    split: str,
    limit: int | None,
    by: str,
    top: int,
    norms_csv: str | None,
    output: str | None,
    memory: str | None,
    output_format: str,
) -> None:
    """Show which examples pull hardest at a model's weights: the suspicious labels.

    MODEL is a run directory, or with --data any model that can be differentiated.
    """
    from tfinspect.ranking import output as pictures
    from tfinspect.ranking import rank_examples

    with stages() as report:
        ranking = rank_examples(
            model_source, data=data, split=split, limit=limit, by=by, memory=memory, progress=report
        )
    emit([vars(one) for one in ranking.examples[:top]], output_format)
    if norms_csv is not None:
        pictures.write_csv(ranking, norms_csv)
    if output is not None:
        for path in pictures.write_pictures(ranking, model_source, output):
            message(f"Written: {path}")
    for rule in sorted({rule for rule in ranking.rules.values() if ":" in rule}):
        message(f"Note: not by rules per op but by {rule}")
