"""A fine-tuning over several machines: the parts of `finetune`, in one process of a cluster."""

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.cluster import facts
from tfinspect.cluster.synchronous import require_synchronous
from tfinspect.data.manifest import Manifest
from tfinspect.training import cluster_run, reunion, run_directory
from tfinspect.training.begun_alike import IN_CLUSTER, require_begun_alike
from tfinspect.training.cluster_run import Part
from tfinspect.training.data_service import require_data_service, with_data_service
from tfinspect.training.run import errors_logged, logged, make_repeatable
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.strategy import check_batch
from tfinspect.training.team import Team, join
from tfinspect.transfer import finetune as alone
from tfinspect.transfer.asked import KEY, as_facts, asked, require_asked, with_checkpoint
from tfinspect.transfer.finetune import FineTuneResult
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.outcome import conclude
from tfinspect.transfer.prepare_tuning import Prepared, prepare_images, prepare_tuning
from tfinspect.transfer.stopped import telling_what_is_kept
from tfinspect.transfer.train_stages import fill, train_stages
from tfinspect.transfer.tuning import Tuning
from tfinspect.transfer.tuning_request import TuningRequest
from tfinspect.transfer.weights_source import open_weights


def finetune(
    request: TuningRequest,
    config: FineTuneConfig,
    part: Part,
    on_prepared: Callable[[Prepared], None] | None = None,
) -> FineTuneResult | None:
    """Fine-tunes a network together with the other processes of the cluster.

    Args:
      request: checkpoint, rules and stages.
      config: the settings.
      part: of this process.
      on_prepared: told by the chief what will be done, before anything is trained.

    Returns:
      The result; None but on the chief.

    Raises:
      ClusterError: a process never came, was lost, or differs from the others.
      TfinspectError: as `finetune.finetune` says.
    """
    with _interruption_told(part), cluster_run.telling_refusal(part):
        return _finetune(request, config, part, on_prepared)


def _finetune(
    request: TuningRequest,
    config: FineTuneConfig,
    part: Part,
    on_prepared: Callable[[Prepared], None] | None,
) -> FineTuneResult | None:
    require_synchronous(part.cluster, "fine-tuning")
    if part.goes_on and reunion.begun(part.output):
        return _go_on(request, config, part)
    if part.cluster.is_chief:
        run_directory.refuse_occupied(part.output)
        run_directory.refuse_inside(part.output, config.data)
    config.spec()
    require_data_service(config, part.observer)
    artifact = open_weights(request.checkpoint, config.net, part.observer.on_data)
    data = prepare_images(config, part.observer.on_data)
    config = _divisible(config, data[1].training_examples(), part.cluster.workers)
    check_batch(config.images_per_step, part.cluster.workers, "processes")
    wanted = with_checkpoint(asked(request, config), artifact)
    team = _join(part, _settings(config, data[1]) | as_facts(wanted))
    # TensorFlow must not be used before its server has started: the network comes after it.
    prepared = prepare_tuning(
        request, config, part.observer.on_data, processes=part.cluster.workers
    )
    if part.cluster.is_chief and on_prepared is not None:
        on_prepared(prepared)
    with _directory(part, prepared, wanted) as written:
        tuning = alone.tuning_of(prepared, written, part.observer)
        tuning = dataclasses.replace(tuning, team=team)
        return _run(part, tuning, prepared.artifact, prepared.request.rules)


def resume_finetuning(part: Part) -> FineTuneResult | None:
    """Goes on with an interrupted run; every process must be able to read its directory.

    Raises:
      As `finetune`, and RunError: there is no such run, or its data are not the same any more.
    """
    with _interruption_told(part), cluster_run.telling_refusal(part):
        return _resume(part)


def _resume(part: Part) -> FineTuneResult | None:
    require_synchronous(part.cluster, "fine-tuning")
    info = alone.resumable(part.output)
    described = info.directory.read_json("config.json")["transfer"]
    require_begun_alike(info, in_cluster=True)
    config = with_data_service(alone.config_of(info), part.data_service)
    require_data_service(config, part.observer)
    check_batch(config.images_per_step, part.cluster.workers, "processes")
    settings = _settings(config, data_of(info)[1])
    # Weights and step are compared when all have met: only then does nobody write any more.
    team = _join(part, settings | {"stages": facts.digest(described["stages"])})
    with contextlib.ExitStack() as stack:
        if part.cluster.is_chief:
            stack.enter_context(run_directory.locked(part.output))
            run_directory.sweep(info.directory)
        return _run(part, *alone.tuning_again(info, config, part.observer, team))


def _interruption_told(part: Part) -> contextlib.AbstractContextManager[None]:
    writer = None if part.cluster.is_chief else part.cluster.leader
    return telling_what_is_kept(part.output, writer)


def _go_on(request: TuningRequest, config: FineTuneConfig, part: Part) -> FineTuneResult | None:
    """Goes on with the run of the same command; another one is refused."""
    info = alone.resumable(part.output)
    examples = data_of(info)[1].training_examples()
    config = _divisible(config, examples, part.cluster.workers)
    reunion.require_equal(config, alone.config_of(info), part.output)
    described = info.directory.read_json("config.json")["transfer"]
    require_asked(described, request, config, part.output)
    return _resume(part)


def _divisible(config: FineTuneConfig, train_examples: int, workers: int) -> FineTuneConfig:
    """Returns the settings with a batch size; one that nobody gave can be shared by all."""
    resolved = config.resolved(train_examples)
    if config.batch_size is not None or resolved.batch_size is None:
        return resolved
    shared = max(resolved.batch_size - resolved.batch_size % workers, workers)
    return dataclasses.replace(config, batch_size=shared).resolved(train_examples)


def _join(part: Part, equal: dict[str, str]) -> Team:
    """Waits for the other processes, compares with them, and starts TensorFlow's server."""
    cluster_run.meet(part, facts.common_facts(part.cluster) | equal)
    return join(part.cluster)


def _settings(config: FineTuneConfig, manifest: Manifest) -> dict[str, str]:
    names = json.dumps(manifest.label_names, ensure_ascii=False)
    return facts.setting_facts(config.to_dict() | {"data": ""}) | {
        "hash of the data": manifest.fingerprint(),
        "class names": names,
    }


@contextlib.contextmanager
def _directory(part: Part, prepared: Prepared, wanted: dict[str, Any]) -> Iterator[RunDirectory]:
    """Yields the new run directory, or, where the chief writes it, a temporary place."""
    if not part.cluster.is_chief:
        with tempfile.TemporaryDirectory(prefix="tfinspect-") as scratch:
            yield RunDirectory(scratch, part.output)
        return
    description = alone.description(prepared) | {IN_CLUSTER: True}
    description["transfer"][KEY] = wanted
    with run_directory.locked(part.output):
        made = run_directory.create(part.output, description, prepared.data[1].label_names)
        with run_directory.discarded_if_fruitless(made):
            alone.write_plan(prepared, made)
            yield made


def _run(
    part: Part, tuning: Tuning, artifact: Artifact | None, rules: LoadRules
) -> FineTuneResult | None:
    make_repeatable(tuning.config.seed)
    team = tuning.team
    assert team is not None
    if tuning.writes:
        tuning = dataclasses.replace(tuning, observer=logged(part.observer, tuning.run))
    tuning.observer.on_phase(f"{part.cluster.name} trains from step {tuning.progress.step}")
    lost = cluster_run.naming_the_lost(team, tuning.progress, part)
    with errors_logged(tuning.run) if tuning.writes else contextlib.nullcontext(), lost:
        team.require_same_step(tuning.progress.step)
        proofs = train_stages(tuning, fill(tuning, artifact, rules))
    if not tuning.writes:
        return None
    # The others have nothing left to do, and go.
    training, outcome = conclude(dataclasses.replace(tuning, team=None), artifact, proofs)
    return FineTuneResult(training, outcome, tuple(proofs))
