"""`tfinspect cluster check` and `tfinspect cluster launch`; `data-service` has its own module."""

import sys
from typing import Any

import click

from tfinspect_cli.cluster_data_service import data_service
from tfinspect_cli.emit import message
from tfinspect_cli.nearest_command import NearestCommandGroup
from tfinspect_cli.timeout_option import timeout_option


@click.group(
    "cluster",
    cls=NearestCommandGroup,
    epilog="Example: tfinspect cluster launch --workers 2 -- tfinspect train",
)
def command() -> None:
    """Check that several machines can train together; start several processes on this one."""


command.add_command(data_service)


@command.command("check", epilog="Example: tfinspect cluster check --data photos-records/")
@click.option("--data", metavar="DATA", help="Data that must be the same on all hosts.")
@click.option("--config", "config_file", metavar="FILE", help="Settings that must be the same.")
@timeout_option(60.0, "the other hosts")
@click.option("--alone", is_flag=True, help="Look at this host alone; wait for nobody.")
def check(data: str | None, config_file: str | None, cluster_timeout: float, alone: bool) -> None:
    """Validate TF_CONFIG, meet the other hosts, and compare versions, data and settings.

    Start it on every host at about the same time. TensorFlow is not started.
    """
    from tfinspect.cluster import check as checks

    settings = None
    if config_file:
        settings = _valid_settings(config_file)
    fingerprint = None
    if data:
        from tfinspect.data.prepare import prepare

        fingerprint = prepare(data)[1].fingerprint()
    timeout = None if alone else cluster_timeout
    cluster = checks.check(checks.Check(fingerprint, settings, timeout, _tell_missing))
    processes, training = len(cluster.names), cluster.workers
    all_of_them = f"{processes} process{'es' * (processes != 1)}"
    click.echo(f"{cluster.name}: {all_of_them}, {training} that train{'s' * (training == 1)}")


def _valid_settings(path: str) -> dict[str, Any]:
    from tfinspect.training.config import TrainConfig, config_from, load_settings
    from tfinspect.transfer.finetune_config import FineTuneConfig

    settings = load_settings(path)
    # Only a fine-tuning's settings, such as a run of one has written, name a network so.
    config_from(settings, path, FineTuneConfig if "net" in settings else TrainConfig)
    return settings


def _tell_missing(names: list[str]) -> None:
    message(f"waiting for {', '.join(names)}")


@command.command(
    "launch", epilog="Example: tfinspect cluster launch --workers 2 -- tfinspect train"
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option(
    "--parameter-servers",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Processes that hold the variables; with them comes a chief.",
)
@click.option("--evaluator", is_flag=True, help="One more process, which evaluates checkpoints.")
@click.option("--threads", type=click.IntRange(1), help="Of each process.  [default: fair share]")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND…")
def launch(
    workers: int,
    parameter_servers: int,
    evaluator: bool,
    threads: int | None,
    words: tuple[str, ...],
) -> None:
    """Start several processes of one command on this machine, as a cluster over loopback.

    Each line of output begins with the process's role. When one fails, all end, with its exit
    status.
    """
    from tfinspect.cluster.launch import Launch
    from tfinspect.cluster.launch import launch as start

    def on_line(name: str, standard: bool, line: str) -> None:
        click.echo(f"[{name}] {line}", err=not standard)

    request = Launch(words, workers, parameter_servers, threads, evaluator)
    sys.exit(start(request, on_line))
