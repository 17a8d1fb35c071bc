"""The tf.data service of a run: where it is now, and whether it is there."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, TypeVar

from tfinspect.data.service_address import require_workers
from tfinspect.errors import ClusterError, ConfigError
from tfinspect.training.config import TrainConfig
from tfinspect.training.going_on import start_again
from tfinspect.training.progress import Progress

Settings = TypeVar("Settings", bound=TrainConfig)


def with_data_service(config: Settings, data_service: str | None) -> Settings:
    """Returns a run's settings with the present address of its tf.data service.

    Raises:
      ConfigError: it is no such address, or the run was begun without a service.
    """
    if data_service is None:
        return config
    if config.data_service is None:
        raise ConfigError(
            "the run was begun without a tf.data service, which has another order of splits that "
            "do not fit into memory; leave --data-service out."
        )
    return dataclasses.replace(config, data_service=data_service)


def require_data_service(config: TrainConfig, observer: Any) -> None:
    """Says where the training batches come from, if another than this process makes them.

    Raises:
      ClusterError: the tf.data service cannot be reached, or has no data worker.
    """
    if config.data_service is not None:
        count = require_workers(config.data_service)
        observer.on_phase(
            f"the training batches are made by the tf.data service at '{config.data_service}', "
            f"with {count} data worker{'s' * (count > 1)}"
        )


@contextlib.contextmanager
def telling_how_to_go_on(progress: Progress, command: str, output: str) -> Iterator[None]:
    """Adds to the loss of the tf.data service, while it makes batches, how the run is gone on with.

    Args:
      progress: of the run.
      command: whose run it is.
      output: path of the run directory.

    Raises:
      ClusterError: the service was lost.
    """
    import tensorflow as tf

    from tfinspect.data.load import raised_inside

    try:
        yield
    except tf.errors.OpError as error:
        lost = raised_inside(error)
        if not isinstance(lost, ClusterError):
            raise
        cure = start_again(progress.checkpoint, command, output)
        raise ClusterError(f"{lost} {cure}") from error
