"""A training run over several machines: the parts of `run`, in one process of a cluster."""

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfinspect.cluster import facts, refusal, rendezvous
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.data.manifest import Manifest
from tfinspect.data.prepare import prepare
from tfinspect.errors import ConfigError, ProcessLostError, TfinspectError
from tfinspect.nets.registry import get_spec
from tfinspect.training import reunion, run, run_directory
from tfinspect.training.begun_alike import IN_CLUSTER
from tfinspect.training.config import TrainConfig, config_from
from tfinspect.training.data_service import require_data_service, with_data_service
from tfinspect.training.going_on import last_backup, start_again
from tfinspect.training.progress import Progress
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory, RunInfo
from tfinspect.training.silence import Watch
from tfinspect.training.strategy import check_batch

if TYPE_CHECKING:
    from tfinspect.training.team import Team


@dataclass(frozen=True)
class Part:
    """This process's part in a run.

    Attributes:
      cluster: everybody's addresses, and which process this is.
      output: path of the run directory; the chief alone writes there.
      timeout: seconds to wait for the other processes.
      observer: told how it goes.
      goes_on: whether the command goes on with a run of the same settings in `output`; otherwise it
        refuses the directory.
      command: whose `--resume` goes on with the run.
      data_service: where the tf.data service of a run that is gone on with is now; None is where it
        was.
      meets: set when this process listens to the others, and they to it.
    """

    cluster: ClusterConfig
    output: str
    timeout: float
    observer: run.Observer
    goes_on: bool = False
    command: str = "train"
    data_service: str | None = None
    meets: threading.Event = field(default_factory=threading.Event)


def train(config: TrainConfig, part: Part) -> run.TrainResult | None:
    """Trains a network together with the other processes of the cluster.

    Returns:
      The result; None but on the chief.

    Raises:
      ProcessLostError: a process was lost.
      ClusterError: a process never came, or differs from the others.
      ConfigError, DataError, NetworkError, RunError, TrainingDivergedError,
      TrainingInterruptedError: as of `run.train`.
    """
    with telling_refusal(part):
        return _train_anew(config, part)


def _train_anew(config: TrainConfig, part: Part) -> run.TrainResult | None:
    if part.cluster.role == "evaluator":
        _evaluate(part)
        return None
    if part.cluster.is_asynchronous:
        return _server_run(part).train(config, part)
    if part.goes_on and reunion.begun(part.output):
        return _go_on(part, *reunion.open_begun(config, part.output))
    if part.cluster.is_chief:
        run_directory.refuse_occupied(part.output)
        run_directory.refuse_inside(part.output, config.data)
    get_spec(config.network, width=config.width)
    require_data_service(config, part.observer)
    data = prepare(config.data, progress=part.observer.on_data)
    config = config.resolved(data[1].training_examples())
    team = _together(part, config, data)
    with directory(part, data, config) as written:
        return _train(part, config, written, data, team)


def resume(part: Part) -> run.TrainResult | None:
    """Goes on with an interrupted run; every process must be able to read its directory.

    Raises:
      As `train`, and RunError: the data are not the same any more.
    """
    with telling_refusal(part):
        return _resume(part)


def _resume(part: Part) -> run.TrainResult | None:
    if part.cluster.role == "evaluator":
        _evaluate(part)
        return None
    if part.cluster.is_asynchronous:
        return _server_run(part).resume(part)
    info, _ = run.resumable(part.output, in_cluster=True)
    return _go_on(part, info, data_of(info))


def _go_on(part: Part, info: RunInfo, data: tuple[str, Manifest]) -> run.TrainResult | None:
    config = config_from(info.config, info.directory.file("config.json"))
    config = with_data_service(config, part.data_service)
    require_data_service(config, part.observer)
    team = _together(part, config, data)
    with contextlib.ExitStack() as stack:
        if part.cluster.is_chief:
            stack.enter_context(run_directory.locked(part.output))
            run_directory.sweep(info.directory)
        return _train(part, config, info.directory, data, team)


def _evaluate(part: Part) -> None:
    from tfinspect.training import evaluator

    evaluator.follow(part)


def _server_run(part: Part) -> Any:
    if part.goes_on:
        raise ConfigError(
            "with parameter servers the others go on when a worker is lost, and nobody waits when "
            "the chief or a server is; leave --on-lost wait out."
        )
    # Imported here, since it is made of the parts of this module.
    from tfinspect.training import server_run

    return server_run


def _together(part: Part, config: TrainConfig, data: tuple[str, Manifest]) -> "Team":
    """Waits for the other processes, compares with them, and starts TensorFlow's server."""
    cluster = part.cluster
    check_batch(config.images_per_step, cluster.workers, "processes")
    equal = facts.common_facts(cluster) | facts.setting_facts(config.to_dict() | {"data": ""})
    equal |= {"hash of the data": data[1].fingerprint()}
    meet(part, equal)
    from tfinspect.training import team

    return team.join(cluster)


def meet(part: Part, equal: dict[str, str]) -> None:
    """Waits for the other processes and compares with them.

    Raises:
      ClusterError: as of `rendezvous.meet`.
    """
    cluster = part.cluster

    def on_missing(names: list[str]) -> None:
        part.observer.on_phase(f"{cluster.name} waits for {', '.join(names)}")

    # Of a port that is taken the others are still to be told.
    rendezvous.meet(rendezvous.Meeting(cluster, equal, part.timeout, on_missing, part.meets.set))


@contextlib.contextmanager
def telling_refusal(part: Part) -> Iterator[None]:
    """Tells the others of an error in the block before all have met, for which they would wait."""
    try:
        yield
    except TfinspectError as error:
        # An evaluator, which has no address, meets nobody.
        meets = len(part.cluster.names) > 1 and part.cluster.own_address is not None
        if meets and not part.meets.is_set():
            # They may come later than now.
            part.observer.on_phase(f"the other processes are told: {error}")
            refusal.tell(rendezvous.Meeting(part.cluster, {}, part.timeout), str(error))
        raise


@contextlib.contextmanager
def directory(
    part: Part, data: tuple[str, Manifest], config: TrainConfig
) -> Iterator[RunDirectory]:
    """Yields the new run directory, or, where the chief writes it, a temporary place."""
    if not part.cluster.is_chief:
        with tempfile.TemporaryDirectory(prefix="tfinspect-") as scratch:
            yield RunDirectory(scratch, part.output)
        return
    with run_directory.locked(part.output):
        description = run.describe(config, *data) | {IN_CLUSTER: True}
        made = run_directory.create(part.output, description, data[1].label_names)
        with run_directory.discarded_if_fruitless(made):
            yield made


def _train(
    part: Part, config: TrainConfig, written: RunDirectory, data: Any, team: "Team"
) -> run.TrainResult | None:
    from tfinspect.training import loop

    run.make_repeatable(config.seed)
    # Not before all have met: only then does nobody of an earlier meeting write any more.
    progress = Progress.read(written)
    chief = part.cluster.is_chief
    observer = run.logged(part.observer, written) if chief else part.observer
    observer.on_phase(f"{part.cluster.name} trains from step {progress.step}")
    with run.errors_logged(written) if chief else contextlib.nullcontext():
        with naming_the_lost(team, progress, part):
            team.require_same_step(progress.step)
            loop.run_loop(config, written, data, progress, observer, team)
    if not chief:
        return None
    result, _ = run.export_and_measure(written, progress, observer)
    run.finish(written, progress, result)
    return result


@contextlib.contextmanager
def naming_the_lost(team: "Team", progress: Progress, part: Part) -> Iterator[None]:
    """Turns TensorFlow's errors about a process that is gone into one sentence.

    Raises:
      ProcessLostError: a process does not answer any more.
    """
    import tensorflow as tf

    watch = Watch(team.cluster, team.give_up)
    try:
        with watch:
            yield
    except tf.errors.OpError as error:
        gone = isinstance(
            error, (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
        )
        lost = watch.find_lost(somebody=gone)
        if not lost and not gone:
            raise
        cure = (
            f"{last_backup(progress.checkpoint)} Start it again with its own command."
            if part.goes_on
            else start_again(progress.checkpoint, part.command, part.output)
        )
        raise ProcessLostError(
            f"{', '.join(lost) or 'another process'} was lost after step {progress.step}. {cure}"
        ) from error
