"""`tfinspect evaluate`."""

import click

from tfinspect_cli.emit import emit, format_option, message
from tfinspect_cli.writable import check_writable


@click.command("evaluate", epilog="Example: tfinspect evaluate runs/digits --split validation")
@click.argument("run_dir", metavar="RUN", type=click.Path())
@click.option(
    "--data", metavar="DATA", help="Other data with the run's labels.  [default: the run's own]"
)
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    default="test",
    show_default=True,
    help="Every read of the test split is stamped in the run.",
)
@click.option(
    "--weights",
    type=click.Choice(["best", "latest"]),
    default="best",
    show_default=True,
    help="Best on the validation split, or of the last checkpoint.",
)
@click.option("--confusion", metavar="FILE", help="Write the confusion matrix here, too, as PNG.")
@click.option("--per-class", is_flag=True, help="In JSON and CSV: one record per class.")
@format_option
def command(
    run_dir: str,
    data: str | None,
    split: str,
    weights: str,
    confusion: str | None,
    per_class: bool,
    output_format: str,
) -> None:
    """Measure a run's accuracy, calibration and confusions on one split.

    The confusion matrix is drawn into the run directory as confusion-SPLIT.png.
    """
    check_writable(pictures=[confusion])
    from tfinspect.training.evaluate import draw_confusion, evaluate
    from tfinspect.training.legend import write_legend

    result = evaluate(run_dir, data=data, split=split, weights=weights)
    picture = draw_confusion(run_dir, result, confusion)
    if output_format == "table":
        emit(
            [{"metric": name, "value": value} for name, value in result.summary().items()], "table"
        )
        click.echo()
    classes = per_class or output_format == "table"
    emit(result.class_rows() if classes else [result.summary()], output_format)
    for path in (picture, confusion):
        if path is not None:
            message(f"Wrote {path}")
    legend = write_legend(run_dir, result.labels)
    if legend is not None:
        message(f"Note: {legend}")
    if (result.test_reads or 0) > 1:
        message(
            f"The test split has been read {result.test_reads} times for this run "
            "(test_reads.json); make choices on the validation split."
        )
