"""`tfinspect verify`: does a checkpoint work in its network?"""

from typing import Any

import click

from tfinspect_cli.emit import MACHINE_FORMATS, emit, format_option, message
from tfinspect_cli.load_options import load_options, load_rules, reported_failure
from tfinspect_cli.network_options import image_size, network_options
from tfinspect_cli.stages import stages
from tfinspect_cli.weights_path import require_weights
from tfinspect_cli.writable import check_writable

FOUND_SOMETHING = 1


@click.command(
    "verify",
    epilog="Example: tfinspect verify inception_resnet_v2_2016_08_30.ckpt "
    "--net inception_resnet_v2 --against extracted/frozen.pb",
)
@click.argument("checkpoint")
@network_options
@click.option("--against", metavar="OTHER", help="Another artifact of the same network.")
@click.option("--golden", metavar="FILE", help="Compare with the logits of an earlier run.")
@click.option("--write-golden", metavar="FILE", help="Keep the logits for later runs.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-4,
    show_default=True,
    help="Largest difference, as part of a tensor's largest value.",
)
@load_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    checkpoint: str,
    against: str | None,
    write_golden: str | None,
    output_format: str,
    **options: Any,
) -> None:
    """Prove that CHECKPOINT fits its network, alone or against another artifact.

    Every variable is loaded, its values are looked at, and the logits of a fixed pattern are
    computed in several ways. OTHER is another checkpoint of the network, or a SavedModel or graph
    of it: end points are compared in order, and the first that diverges is named. Exits with 1 when
    a check fails or an end point diverges.
    """
    check_writable(written=[write_golden])
    require_weights(checkpoint)
    if against is not None:
        require_weights(against)
    from tfinspect.extraction import Request
    from tfinspect.verification import verify

    request = Request(
        options["net"],
        options["num_classes"],
        image_size(options["image_size"]),
        rules=load_rules(options),
    )
    with reported_failure(options["whole_report"], output_format), stages() as progress:
        found = verify(
            checkpoint,
            request,
            against=against,
            golden=options["golden"],
            tolerance=options["tolerance"],
            progress=progress,
        )
    if write_golden is not None:
        found.golden.write(write_golden)
        message(f"Wrote {write_golden}")
    rows = [check.row() for check in found.checks]
    end_points = [one.row() for one in found.end_points or ()]
    if end_points and output_format in MACHINE_FORMATS:
        # One list of records with equal keys, for a program to read.
        empty = dict.fromkeys([*rows[0], *end_points[0]])
        emit([empty | row for row in (*rows, *end_points)], output_format)
    else:
        emit(rows, output_format)
        if end_points:
            click.echo()
            emit(end_points, output_format)
    for note in found.notes:
        message(f"Note: {note}")
    for check in found.checks:
        if not check.passed:
            message(f"Failed: {check.check}: {check.detail}.")
    if found.first_divergence is not None:
        message(f"The first end point that diverges is '{found.first_divergence.end_point}'.")
    ctx.exit(0 if found.passed else FOUND_SOMETHING)
