"""`tfinspect extract`: a network built in code, filled from a checkpoint, saved."""

from typing import Any

import click

from tfinspect_cli.emit import MACHINE_FORMATS, emit, format_option, message
from tfinspect_cli.load_options import load_options, load_rules, reported_failure, write_report
from tfinspect_cli.network_options import image_size, network_options, read_labels
from tfinspect_cli.stages import stages
from tfinspect_cli.weights_path import require_weights

_FORMATS = ("saved-model", "meta-graph", "frozen", "keras-weights", "checkpoint")


@click.command(
    "extract",
    epilog="Example: tfinspect extract inception_resnet_v2_2016_08_30.ckpt "
    "--net inception_resnet_v2 --as frozen --fold-batch-norm --output extracted",
)
@click.argument("checkpoint")
@network_options
@click.option("--output", metavar="DIR", help="A new directory; needed unless --dry-run is given.")
@click.option(
    "--as",
    "as_format",
    type=click.Choice(_FORMATS),
    default="saved-model",
    show_default=True,
    help="What is written to --output.",
)
@click.option("--final-endpoint", metavar="NAME", help="End the network here, with its features.")
@click.option("--labels", metavar="FILE", help="One label a line.")
@click.option(
    "--fold-batch-norm", "fold", is_flag=True, help="In frozen graphs: into the convolutions."
)
@load_options
@click.option("--dry-run", is_flag=True, help="Report what would be loaded, and write nothing.")
@format_option
def command(
    checkpoint: str, output: str | None, as_format: str, output_format: str, **options: Any
) -> None:
    """Build a network in code, fill it from CHECKPOINT, and save it in another format.

    CHECKPOINT is any artifact that list-vars reads, a run of tfinspect, or a network's name for its
    published checkpoint. Every variable is accounted for: what cannot be loaded is an error, unless
    --exclude-scope names it. Preprocessing, labels and the load report go along. Only DIR is
    written, and only when everything went well.
    """
    if output is None and not options["dry_run"]:
        raise click.UsageError("give --output DIR, or --dry-run.")
    require_weights(checkpoint)
    from tfinspect import extraction

    extraction.check_format(as_format, options["fold"])
    if output is not None:
        extraction.refuse_occupied(output)
    request = extraction.Request(
        options["net"],
        options["num_classes"],
        image_size(options["image_size"]),
        options["final_endpoint"],
        load_rules(options),
        read_labels(options["labels"]),
    )
    whole, dry = options["whole_report"], options["dry_run"]
    with reported_failure(whole, output_format), stages() as progress:
        loaded = extraction.load_network(checkpoint, request, dry_run=dry, progress=progress)
    # A program that asks for a dry run reads its rows.
    whole = whole or (dry and output_format in MACHINE_FORMATS)
    write_report(loaded.report, output_format, whole=whole, dry=dry)
    if dry or output is None:
        return
    saved = extraction.save(loaded, output, as_format=as_format, fold=options["fold"])
    for note in saved.notes:
        message(note)
    if not whole:
        emit([{"file": path, "bytes": size} for path, size in saved.sizes()], output_format)
