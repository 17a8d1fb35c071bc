"""`tfinspect train`."""

import dataclasses
from typing import Any

import click

from tfinspect_cli import training_output
from tfinspect_cli.cluster_part import ClusterPart, cluster_options
from tfinspect_cli.sections import SectionedCommand
from tfinspect_cli.training_options import config_options, given_settings


@click.command(
    "train",
    cls=SectionedCommand,
    epilog="Example: tfinspect train --data digits --epochs 30 --output runs/digits",
)
@config_options
@click.option("--config", "config_file", metavar="FILE", help="Settings from a YAML or JSON file.")
@click.option("--output", metavar="DIR", help="Run directory.  [default: runs/DATA-NETWORK]")
@click.option("--resume", is_flag=True, help="Go on with the run in --output, with its settings.")
@click.option("--find-lr", is_flag=True, help="Only look for a learning rate, and draw its curve.")
@cluster_options
def command(
    config_file: str | None,
    output: str | None,
    resume: bool,
    find_lr: bool,
    cluster_timeout: float,
    on_lost: str,
    batch_size_per_replica: int | None,
    **settings: Any,
) -> None:
    """Train a CIFAR residual network.

    With no option at all it trains on real handwritten digits, which need no network. Settings
    given here take precedence over those of --config. With TF_CONFIG set, it trains with the other
    processes of that cluster.
    """
    from tfinspect.training import config as configs

    part = ClusterPart.from_environment(cluster_timeout, on_lost)
    given = given_settings(settings) | part.batch_setting(batch_size_per_replica, settings)
    if resume and find_lr:
        raise click.UsageError("--find-lr looks at a fresh network; leave --resume out.")
    if find_lr:
        part.refuse_rate_search()
    if resume:
        part = dataclasses.replace(part, data_service=given.pop("data_service", None))
        _refuse_settings(given, config_file, output)
        part.resume(str(output))
        return
    loaded = configs.load_settings(config_file) if config_file else {}
    config = configs.config_from(loaded | given, config_file or "the command line")
    output = output or f"runs/{_short(config.data)}-{config.network}"
    if find_lr:
        training_output.find_learning_rate(config, output)
        return
    part.train(config, output)


def _refuse_settings(given: dict[str, Any], config_file: str | None, output: str | None) -> None:
    if output is None:
        raise click.UsageError("--resume needs --output, the run directory to go on with.")
    if given or config_file:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given) or "--config"
        raise click.UsageError(
            f"--resume takes the run's own settings, and {names} would change them; leave it out, "
            "or start a new run in another --output."
        )


def _short(data: str) -> str:
    return data.rstrip("/").rsplit("/", 1)[-1].split(".")[0] or "data"
