"""A training run with parameter servers: the parts of `run`, in one process of a cluster."""

import contextlib
import importlib
import os
import time
from collections.abc import Iterator

from tfinspect import files
from tfinspect.cluster import facts
from tfinspect.cluster.members import End, Members, stay
from tfinspect.data.manifest import Manifest
from tfinspect.data.prepare import prepare
from tfinspect.errors import (
    ClusterError,
    ConfigError,
    ProcessLostError,
    TfinspectError,
    TrainingInterruptedError,
)
from tfinspect.nets.registry import get_spec
from tfinspect.training import cluster_run, run, run_directory
from tfinspect.training.config import TrainConfig
from tfinspect.training.data_service import with_data_service
from tfinspect.training.going_on import start_again
from tfinspect.training.interruption import stop_requests
from tfinspect.training.progress import Progress
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory

Data = tuple[str, Manifest]
# So long after a failed step may pass until a broken connection says who is gone.
_BREAK_SECONDS = 3.0


def train(config: TrainConfig, part: "cluster_run.Part") -> run.TrainResult | None:
    """Trains a network, or serves the chief that does, as this process's role says.

    Returns:
      The result; None but on the chief.

    Raises:
      As `cluster_run.train`.
    """
    _check(config)
    chief = part.cluster.is_chief
    if chief:
        run_directory.refuse_occupied(part.output)
        run_directory.refuse_inside(part.output, config.data)
    get_spec(config.network, width=config.width)
    data = prepare(config.data, progress=part.observer.on_data)
    config = config.resolved(data[1].training_examples())
    if not chief:
        _serve(part, config, data)
        return None
    with _members(part, config, data) as members, cluster_run.directory(part, data, config) as made:
        return _coordinate(part, config, made, data, members)


def resume(part: "cluster_run.Part") -> run.TrainResult | None:
    """Goes on with an interrupted run; every process must be able to read its directory.

    Raises:
      As `cluster_run.resume`.
    """
    info, config = run.resumable(part.output, in_cluster=True)
    config = with_data_service(config, part.data_service)
    _check(config)
    data = data_of(info)
    if not part.cluster.is_chief:
        _serve(part, config, data)
        return None
    with run_directory.locked(part.output), _members(part, config, data) as members:
        run_directory.sweep(info.directory)
        return _coordinate(part, config, info.directory, data, members)


def _check(config: TrainConfig) -> None:
    if config.summarize_gradients:
        raise ConfigError(
            "summarize_gradients is not possible with parameter servers, where other steps change "
            "the weights between any two looks; leave it out (--summarize works), or train with "
            "synchronous workers."
        )
    if config.data_service is not None:
        raise ConfigError(
            "data_service is not possible with parameter servers, where each worker reads the "
            "examples of the steps that the chief gives it; leave it out, or train with "
            "synchronous workers."
        )


def _facts(part: "cluster_run.Part", config: TrainConfig, data: Data) -> dict[str, str]:
    directory = data[0] if files.is_remote(data[0]) else os.path.abspath(data[0])
    equal = facts.common_facts(part.cluster) | facts.setting_facts(config.to_dict() | {"data": ""})
    # The chief tells the workers where to read.
    return equal | {"hash of the data": data[1].fingerprint(), "path of the data": directory}


def _serve(part: "cluster_run.Part", config: TrainConfig, data: Data) -> None:
    cluster = part.cluster
    cluster_run.meet(part, _facts(part, config, data))
    from tfinspect.training import parameter_servers, team

    team.note_joined(cluster)
    with stop_requests() as stop:
        server = parameter_servers.serve(cluster)
        part.observer.on_phase(f"{cluster.name} serves {cluster.leader}")
        with _naming_the_backup(part.output):
            end = stay(cluster, part.timeout, lambda: stop.requested)
        del server
    if end.kind == "stopped":
        raise TrainingInterruptedError(end.sentence)
    if end.kind != "done":
        raise ClusterError(end.sentence)


@contextlib.contextmanager
def _naming_the_backup(output: str) -> Iterator[None]:
    """Adds to the loss of the chief how to go on, as far as this host can see.

    Raises:
      ClusterError: the chief was lost.
    """
    try:
        yield
    except ProcessLostError as error:
        kept = Progress.read(RunDirectory(output)).checkpoint
        raise ClusterError(f"{error} {start_again(kept, 'train', output)}") from error


@contextlib.contextmanager
def _members(part: "cluster_run.Part", config: TrainConfig, data: Data) -> Iterator[Members]:
    """Yields the others, once all are there; in the end it tells them how the block ended."""
    equal = _facts(part, config, data)
    cluster_run.meet(part, equal)
    # While TensorFlow is loaded nothing else of a process runs, and the others would hear nothing.
    importlib.import_module("tensorflow")
    with Members(part.cluster, equal) as members:
        try:
            members.wait(part.timeout)
            yield members
        except TrainingInterruptedError as error:
            members.end(End("stopped", str(error)))
            raise
        except TfinspectError as error:
            members.end(End("failed", str(error)))
            raise
        members.end(End("done"))


def _coordinate(
    part: "cluster_run.Part",
    config: TrainConfig,
    written: RunDirectory,
    data: Data,
    members: Members,
) -> run.TrainResult:
    from tfinspect.training import async_loop, parameter_servers, team

    observer = run.logged(part.observer, written)
    team.note_joined(part.cluster)
    progress = Progress.read(written)
    with run.errors_logged(written), _naming_the_lost(members, progress, part.output):
        fleet = parameter_servers.Fleet(part.cluster, members, observer.on_phase)
        run.make_repeatable(config.seed)
        observer.on_phase(f"{part.cluster.name} hands out the steps from {progress.step}")
        async_loop.run_loop(config, written, data, progress, observer, fleet)
    result, _ = run.export_and_measure(written, progress, observer)
    run.finish(written, progress, result)
    return result


@contextlib.contextmanager
def _naming_the_lost(members: Members, progress: Progress, output: str) -> Iterator[None]:
    """Turns errors about processes that are gone into one sentence.

    Raises:
      ClusterError: a process is gone.
    """
    import tensorflow as tf

    from tfinspect.training.parameter_servers import LostError

    try:
        yield
    except (tf.errors.OpError, LostError) as error:
        lost = _lost(members)
        gone = (LostError, tf.errors.UnavailableError, tf.errors.AbortedError)
        if not lost and not isinstance(error, gone):
            raise
        raise ClusterError(
            f"{', '.join(lost) or 'another process'} was lost after step {progress.step}. "
            f"{start_again(progress.checkpoint, 'train', output)}"
        ) from error


def _lost(members: Members) -> list[str]:
    deadline = time.monotonic() + _BREAK_SECONDS
    while not (lost := members.lost()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return lost
