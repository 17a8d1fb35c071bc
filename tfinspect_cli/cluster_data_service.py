"""`tfinspect cluster data-service`."""

import sys

import click

from tfinspect_cli.emit import message
from tfinspect_cli.timeout_option import timeout_option


@click.command("data-service", epilog="Example: tfinspect cluster data-service --workers 4")
@click.option(
    "--workers", type=click.IntRange(0), default=1, show_default=True, help="Data workers here."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Of the dispatcher.  [default: a free one]"
)
@click.option(
    "--host", default="localhost", show_default=True, help="Name under which others reach this one."
)
@click.option("--dispatcher", help="HOST:PORT of another machine's service, to join it.")
@timeout_option(60.0, "--dispatcher")
def data_service(
    workers: int, port: int | None, host: str, dispatcher: str | None, cluster_timeout: float
) -> None:
    """Make training batches for others: TensorFlow's tf.data service.

    Prints the address that --data-service of train and finetune takes, once all processes are
    there, and serves until a signal ends it. Whoever reaches its ports can have anything computed
    here: keep them in a closed network.
    """
    from tfinspect.cluster import data_service as services

    def on_line(name: str, standard: bool, line: str) -> None:
        del standard
        message(f"[{name}] {line}")

    def on_ready(address: str) -> None:
        click.echo(address)
        sys.stdout.flush()

    service = services.Service(workers, port, host, dispatcher, cluster_timeout)
    sys.exit(services.run(service, on_ready, on_line))
