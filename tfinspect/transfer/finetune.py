"""A fine-tuning run from checkpoint to run directory: the place where all its parts meet."""

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfinspect import files
from tfinspect.artifacts import Artifact
from tfinspect.errors import RunError, TfinspectError
from tfinspect.training import run_directory
from tfinspect.training.begun_alike import require_begun_alike
from tfinspect.training.config import config_from
from tfinspect.training.data_service import require_data_service, with_data_service
from tfinspect.training.progress import Progress
from tfinspect.training.run import (
    Observer,
    TrainResult,
    describe,
    errors_logged,
    logged,
    make_repeatable,
)
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory, RunInfo
from tfinspect.training.team import Team
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.frozen import FrozenProof
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.outcome import Outcome, conclude
from tfinspect.transfer.prepare_tuning import (
    SKIPPED_FILE,
    Prepared,
    make_model,
    prepare_tuning,
)
from tfinspect.transfer.split_record import split_record
from tfinspect.transfer.stages import stage_from
from tfinspect.transfer.stopped import stops_told
from tfinspect.transfer.train_stages import fill, train_stages
from tfinspect.transfer.tuning import Tuning
from tfinspect.transfer.tuning_request import TuningRequest
from tfinspect.transfer.weights_source import open_weights

REPORT_FILE = "load_report.json"
SPLIT_FILE = "split.json"


@dataclass(frozen=True)
class FineTuneResult:
    """What a finished fine-tuning ends with.

    Attributes:
      training: as of any training run.
      outcome: what the test accuracy is worth.
      proofs: of each stage, that its frozen tensors did not move.
    """

    training: TrainResult
    outcome: Outcome
    proofs: tuple[FrozenProof, ...]


def finetune(
    request: TuningRequest,
    config: FineTuneConfig,
    output: str,
    *,
    observer: Observer | None = None,
    on_prepared: Callable[[Prepared], None] | None = None,
) -> FineTuneResult:
    """Fine-tunes a network into a new run directory.

    Sets TensorFlow's global seed to the run's.

    Args:
      request: checkpoint, rules and stages.
      config: the settings.
      output: path of the run directory; it must not hold anything yet.
      observer: told how it goes; None tells nobody.
      on_prepared: told what will be done before anything is trained.

    Raises:
      TfinspectError: as `prepare_tuning` and `training.run.train` say.
      TrainingInterruptedError: SIGINT or SIGTERM asked for the end; it says what is kept.
    """
    observer = observer or Observer()
    run_directory.refuse_occupied(output)
    run_directory.refuse_inside(output, config.data)
    require_data_service(config, observer)
    with stops_told(output):
        prepared = prepare_tuning(request, config, observer.on_data)
        if on_prepared is not None:
            on_prepared(prepared)
        with run_directory.locked(output):
            return _begin(prepared, output, observer)


def _begin(prepared: Prepared, output: str, observer: Observer) -> FineTuneResult:
    run = run_directory.create(output, description(prepared), prepared.data[1].label_names)
    with run_directory.discarded_if_fruitless(run):
        write_plan(prepared, run)
        tuning = tuning_of(prepared, run, observer)
        return run_tuning(tuning, prepared.artifact, prepared.request.rules)


def write_plan(prepared: Prepared, run: RunDirectory) -> None:
    """Writes what will be loaded, which image lies in which split, and which in none."""
    run.write_json(REPORT_FILE, prepared.report.records())
    run.write_json(SPLIT_FILE, split_record(*prepared.data))
    skipped = prepared.data[1].skipped
    if skipped:
        with files.writing(run.file(SKIPPED_FILE), "w") as stream:
            stream.writelines(f"{path}\n" for path in sorted(skipped))


def resume_finetuning(
    output: str, *, observer: Observer | None = None, data_service: str | None = None
) -> FineTuneResult:
    """Goes on with a fine-tuning that was interrupted, with its own settings, data and stages.

    Args:
      output: path of the run directory.
      observer: told how it goes; None tells nobody.
      data_service: as of `training.run.resume`.

    Raises:
      RunError: there is no such run, it is finished, or its data are not the same any more.
      ArtifactError: it had not finished an epoch, and its checkpoint is gone.
    """
    observer = observer or Observer()
    info = resumable(output)
    config = with_data_service(config_of(info), data_service)
    require_data_service(config, observer)
    with stops_told(output), run_directory.locked(output):
        run_directory.sweep(info.directory)
        return run_tuning(*tuning_again(info, config, observer))


def resumable(output: str) -> RunInfo:
    """Returns the description of a fine-tuning that can be gone on with.

    Raises:
      RunError: there is no such run, or it is finished.
    """
    info = run_directory.open_run(output, "finetune CHECKPOINT --data DATA")
    if "net" not in info.config:
        raise RunError(
            f"the run in '{output}' is no fine-tuning; go on with `tfinspect train --resume "
            f"--output {output}`."
        )
    if Progress.read(info.directory).finished:
        raise RunError(f"the run in '{output}' is finished; choose another --output.")
    return info


def config_of(info: RunInfo) -> FineTuneConfig:
    """Returns a run's settings."""
    config: FineTuneConfig = config_from(
        info.config, info.directory.file("config.json"), FineTuneConfig
    )
    return config


def tuning_again(
    info: RunInfo, config: FineTuneConfig, observer: Observer, team: Team | None = None
) -> tuple[Tuning, Artifact | None, LoadRules]:
    """Returns what `run_tuning` takes to go on with a run, of such settings.

    Raises:
      RunError: its data are not the same any more.
      ArtifactError: it had not finished an epoch, and its checkpoint is gone.
    """
    require_begun_alike(info, in_cluster=team is not None)
    described = info.directory.read_json("config.json")
    data = data_of(info)
    model = make_model(config, info.spec(), info.num_classes, data[1].training_examples())
    request, artifact = stored_request(described["transfer"], info, config)
    stages = tuple(stage_from(stored) for stored in described["transfer"]["stages"])
    progress = Progress.read(info.directory)
    tuning = Tuning(config, data, model, stages, info.directory, progress, observer, team)
    return tuning, artifact, request.rules


def stored_request(
    stored: dict[str, Any], info: RunInfo, config: FineTuneConfig
) -> tuple[TuningRequest, Artifact | None]:
    """Returns what a run was asked for, and its checkpoint, or None where that is gone.

    Raises:
      ArtifactError: it is gone, and the run has no weights of its own yet.
    """
    renames = tuple((pattern, replacement) for pattern, replacement in stored["rename"])
    scopes = (tuple(stored.get(name, ())) for name in ("exclude_scopes", "new_classifier"))
    excluded, new = scopes
    rules = LoadRules(excluded, renames, stored["moving_average"], new)
    request = TuningRequest(stored["checkpoint"], rules)
    try:
        return request, open_weights(request.checkpoint, config.net)
    except TfinspectError:
        if not Progress.read(info.directory).checkpoint:
            raise
        # The run has weights of its own by now; only the proof has nothing to compare with.
        return request, None


def description(prepared: Prepared) -> dict[str, Any]:
    """Returns what `config.json` says of a fine-tuning."""
    config, rules = prepared.config, prepared.request.rules
    checkpoint = prepared.request.checkpoint
    # A network's name stands for its published weights.
    is_path = any(os.path.exists(checkpoint + suffix) for suffix in ("", ".index"))
    return describe(config, *prepared.data) | {
        "image_shape": list(prepared.model.spec.image_shape),
        "auxiliary_head": False,
        "transfer": {
            "checkpoint": os.path.abspath(checkpoint) if is_path else checkpoint,
            "exclude_scopes": list(rules.exclude_scopes),
            "new_classifier": list(rules.new_classifier),
            "rename": [list(pair) for pair in rules.rename],
            "moving_average": rules.moving_average,
            "stages": [stage.to_dict() for stage in prepared.stages],
        },
    }


def tuning_of(prepared: Prepared, run: RunDirectory, observer: Observer) -> Tuning:
    """Returns a new run."""
    return Tuning(
        prepared.config, prepared.data, prepared.model, prepared.stages, run, Progress(), observer
    )


def run_tuning(tuning: Tuning, artifact: Artifact | None, rules: LoadRules) -> FineTuneResult:
    """Trains the stages that are left, and measures what has come of them."""
    make_repeatable(tuning.config.seed)
    tuning = dataclasses.replace(tuning, observer=logged(tuning.observer, tuning.run))
    with errors_logged(tuning.run):
        proofs = train_stages(tuning, fill(tuning, artifact, rules))
    training, outcome = conclude(tuning, artifact, proofs)
    return FineTuneResult(training, outcome, tuple(proofs))
