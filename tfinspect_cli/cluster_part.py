"""How `tfinspect train` takes part in a cluster, where `TF_CONFIG` names one."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from tfinspect.cluster.tf_config import ClusterConfig, from_environment
from tfinspect.errors import ConfigError, ProcessLostError, TfinspectError, TrainingInterruptedError
from tfinspect_cli import restart, training_output
from tfinspect_cli.emit import message
from tfinspect_cli.timeout_option import timeout_option


def cluster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say how several processes train together."""
    function = click.option(
        "--batch-size-per-replica",
        type=click.IntRange(1),
        help="Examples per step of each process, instead of --batch-size.",
    )(function)
    function = click.option(
        "--on-lost",
        type=click.Choice(["end", "wait"]),
        default="end",
        show_default=True,
        help="When another process is lost: end, or start again and wait for it. With wait, the "
        "same command begins a run and goes on with it.",
    )(function)
    return timeout_option(300.0, "the other processes of TF_CONFIG")(function)


@dataclass(frozen=True)
class ClusterPart:
    """This process alone, or as one of a cluster."""

    cluster: ClusterConfig | None
    timeout: float
    # Whether it waits for a process that was lost.
    waits: bool = False
    # Where the tf.data service of a run that is gone on with is now; None is where it was.
    data_service: str | None = None

    @classmethod
    def from_environment(cls, timeout: float, on_lost: str) -> "ClusterPart":
        """Reads `TF_CONFIG`."""
        return cls(from_environment(), timeout, on_lost == "wait")

    def batch_setting(self, each: int | None, settings: dict[str, Any]) -> dict[str, int]:
        """Returns the batch size over all processes, where that of each is given."""
        if each is None:
            return {}
        if settings.get("batch_size") is not None:
            raise click.UsageError("give --batch-size or --batch-size-per-replica, not both.")
        return {"batch_size": each * (self.cluster.workers_per_step if self.cluster else 1)}

    def refuse_rate_search(self) -> None:
        """Refuses `--find-lr` in one of several processes.

        Raises:
          ConfigError: there are several.
        """
        if self.cluster is None:
            return
        # An evaluator is not among the cluster's own.
        everybody = {*self.cluster.names, self.cluster.name}
        if len(everybody) > 1:
            raise ConfigError(
                f"--find-lr looks for a rate in one process, and TF_CONFIG makes this "
                f"{self.cluster.name} of {len(everybody)}; unset TF_CONFIG for it."
            )

    def of_run(self, output: str, observer: Any, command: str) -> Any:
        """Returns the library's `Part` in a run."""
        from tfinspect.training.cluster_run import Part

        assert self.cluster is not None
        return Part(
            self.cluster, output, self.timeout, observer, self.waits, command, self.data_service
        )

    def train(self, config: Any, output: str) -> None:
        """Trains into a new run directory."""
        if self.cluster is None:
            training_output.run(lambda observer, run: run.train(config, output, observer=observer))
        else:
            self._together(output, lambda runs, part: runs.train(config, part))

    def resume(self, output: str) -> None:
        """Goes on with a run."""
        if self.cluster is None:
            service = self.data_service
            training_output.run(
                lambda observer, run: run.resume(output, observer=observer, data_service=service)
            )
        else:
            self._together(output, lambda runs, part: runs.resume(part))

    def _together(self, output: str, start: Callable[[Any, Any], Any]) -> None:
        from tfinspect.training import cluster_run

        cluster = self.cluster
        assert cluster is not None

        def begin(observer: Any, runs: Any) -> Any:
            del runs
            return start(cluster_run, self.of_run(output, observer, "train"))

        with ending_at_once(self.waits):
            if cluster.is_chief:
                training_output.run(begin)
            else:
                training_output.observed(lambda observer: begin(observer, None))
                if cluster.role == "evaluator":
                    return
                message(f"{cluster.name} is done; {cluster.leader} writes what is left to write.")
            if cluster.is_asynchronous:
                # TensorFlow's servers never end by themselves.
                _end_now(0)


@contextmanager
def ending_at_once(waits: bool) -> Iterator[None]:
    """Ends the process after an error: TensorFlow would wait for processes that are gone.

    Args:
      waits: whether it begins again where another process was lost.
    """
    try:
        yield
    except ProcessLostError as error:
        if not waits:
            _end(error)
        message(f"{error} This one begins again now, and waits for it.")
        restart.restart()
    except TfinspectError as error:
        team = sys.modules.get("tfinspect.training.team")
        if team is None or not team.joined():
            raise
        _end(error)


def _end(error: TfinspectError) -> None:
    interrupted = isinstance(error, TrainingInterruptedError)
    message(str(error) if interrupted else f"Error: {error}")
    _end_now(130 if interrupted else 2)


def _end_now(status: int) -> None:
    from tfinspect.training import team

    sys.stdout.flush()
    team.leave(status)
