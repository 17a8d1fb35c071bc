"""`tfinspect report`."""

import os
from typing import Any

import click

from tfinspect.errors import ConfigError
from tfinspect.nets.registry import can_be_built
from tfinspect_cli.emit import write_lines
from tfinspect_cli.model_options import model_options, take_model_options
from tfinspect_cli.writable import check_writable


@click.command("report", epilog="Example: tfinspect report runs/digits --data digits")
@click.argument("model", type=click.Path())
@click.option(
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    help="Where the page is written.",
)
@click.option(
    "--data",
    metavar="DATA",
    help="Examples for activations and suspicious labels: digits, cifar10, shards, image folder.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many of the examples are looked at.",
)
@model_options
def command(model: str, output: str, data: str | None, limit: int, **given: Any) -> None:
    """Write one HTML page about a model: what is in it, and how it looks inside.

    MODEL is any artifact that list-vars reads, or a network's name with --checkpoint. The page
    holds totals and operations by scope, health findings, filters, a searchable table of the
    variables, a run's curves and settings, and with --data the activations of sample images and the
    examples whose labels look wrong. It is one file that needs no network.
    """
    check_writable(written=[output])
    if not given["checkpoint"] and not os.path.exists(model) and can_be_built(model):
        raise ConfigError(
            f"'{model}' is a network's name, and its weights are missing; give them with "
            "--checkpoint, or a path in place of the name."
        )
    from tfinspect.report import ReportOptions, write_report

    options = ReportOptions(data=data, limit=limit, loading=take_model_options(given))
    write_lines(iter([write_report(model, output, options)]))
