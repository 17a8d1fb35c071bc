"""`tfinspect finetune`."""

import dataclasses
from typing import Any

import click

from tfinspect_cli import finetune_cluster, finetune_output, finetune_request
from tfinspect_cli.cluster_part import ClusterPart, cluster_options
from tfinspect_cli.emit import format_option
from tfinspect_cli.finetune_options import finetune_options, transfer_options
from tfinspect_cli.sections import SectionedCommand


@click.command(
    "finetune",
    cls=SectionedCommand,
    epilog="Example: tfinspect finetune model.ckpt --net inception_resnet_v2 --data photos/",
)
@click.argument("checkpoint", required=False)
@finetune_options
@transfer_options
@click.option("--output", metavar="DIR", help="Run directory.  [default: runs/DATA-NETWORK]")
@click.option("--resume", is_flag=True, help="Go on with the run in --output, with its settings.")
@click.option("--find-lr", is_flag=True, help="Only look for a rate for the head; draw its curve.")
@click.option("--dry-run", is_flag=True, help="Only say what would be loaded and trained.")
@cluster_options
@format_option
def command(
    checkpoint: str | None,
    output: str | None,
    resume: bool,
    output_format: str,
    cluster_timeout: float,
    on_lost: str,
    batch_size_per_replica: int | None,
    **options: Any,
) -> None:
    """Train a new classifier on new images, then the whole network, from a checkpoint.

    CHECKPOINT is any file or run directory with weights, or a network's name for its published
    ones. First the head alone is trained, on features that are computed once; then everything, at a
    hundredth of the rate. Frozen tensors are compared byte for byte afterwards. With TF_CONFIG set,
    it is done with the other processes of that cluster.
    """
    if options["find_lr"] and options["dry_run"]:
        raise click.UsageError("--find-lr trains and --dry-run does not; give one of them.")
    part = ClusterPart.from_environment(cluster_timeout, on_lost)
    finetune_cluster.refuse_what_is_not_shared(part, options)
    if resume:
        options["batch_size_per_replica"] = batch_size_per_replica
        part = dataclasses.replace(part, data_service=options.pop("data_service"))
        finetune_cluster.resume(part, finetune_request.resumed_run(checkpoint, output, options))
        return
    options |= part.batch_setting(batch_size_per_replica, options)
    request, config = finetune_request.request_and_config(checkpoint, options)
    output = output or f"runs/{finetune_request.short(config.data)}-{config.net}"
    shown = finetune_output.Shown(output_format, options["whole_report"], options["load_report"])
    if options["find_lr"]:
        finetune_output.find_learning_rate(request, config, output)
    elif options["dry_run"]:
        processes = part.cluster.workers if part.cluster else 1
        finetune_output.tell_plan(request, config, shown, processes)
    else:
        finetune_cluster.fine_tune(part, request, config, output, shown)
