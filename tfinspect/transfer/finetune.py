"""A fine-tuning run from checkpoint to run directory: the place where all its parts meet."""

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.data import pipeline
from tfinspect.errors import RunError, TfinspectError
from tfinspect.training import checkpoints, run_directory
from tfinspect.training.config import config_from
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
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.frozen import FrozenProof, digests, frozen_names, prove, stored_digests
from tfinspect.transfer.frozen_record import FrozenRecord
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.outcome import Outcome, conclude
from tfinspect.transfer.prepare_tuning import Prepared, TuningRequest, make_model, prepare_tuning
from tfinspect.transfer.recalibrate import recalibrate
from tfinspect.transfer.restore import plan, restore
from tfinspect.transfer.split_record import split_record
from tfinspect.transfer.stage_progress import Position, position
from tfinspect.transfer.stages import Stage, stage_from
from tfinspect.transfer.train_head import cut_for, train_on_features
from tfinspect.transfer.tuning import Tuning, train_on_images
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
    """
    observer = observer or Observer()
    run_directory.refuse_occupied(output)
    prepared = prepare_tuning(request, config, observer.on_data)
    if on_prepared is not None:
        on_prepared(prepared)
    with run_directory.locked(output):
        run = run_directory.create(output, _description(prepared), prepared.data[1].label_names)
        with run_directory.discarded_if_fruitless(run):
            run.write_json(REPORT_FILE, prepared.report.records())
            run.write_json(SPLIT_FILE, split_record(*prepared.data))
            tuning = _tuning(prepared, run, observer)
            return _run(tuning, prepared.artifact, prepared.request.rules)


def resume_finetuning(output: str, *, observer: Observer | None = None) -> FineTuneResult:
    """Goes on with a fine-tuning that was interrupted, with its own settings, data and stages.

    Raises:
      RunError: there is no such run, it is finished, or its data are not the same any more.
      ArtifactError: it had not finished an epoch, and its checkpoint is gone.
    """
    observer = observer or Observer()
    info = run_directory.open_run(output)
    if "net" not in info.config:
        raise RunError(
            f"the run in '{output}' is no fine-tuning; go on with `tfinspect train --resume "
            f"--output {output}`."
        )
    progress = Progress.read(info.directory)
    if progress.finished:
        raise RunError(f"the run in '{output}' is finished; choose another --output.")
    described = info.directory.read_json("config.json")
    origin = info.directory.file("config.json")
    config: FineTuneConfig = config_from(info.config, origin, FineTuneConfig)
    data = data_of(info)
    model = make_model(config, info.spec(), info.num_classes, data[1].training_examples())
    request, artifact = _stored_request(described["transfer"], info, config)
    stages = tuple(stage_from(stored) for stored in described["transfer"]["stages"])
    with run_directory.locked(output):
        run_directory.sweep(info.directory)
        tuning = Tuning(config, data, model, stages, info.directory, progress, observer)
        return _run(tuning, artifact, request.rules)


def _stored_request(
    stored: dict[str, Any], info: RunInfo, config: FineTuneConfig
) -> tuple[TuningRequest, Artifact | None]:
    renames = tuple((pattern, replacement) for pattern, replacement in stored["rename"])
    rules = LoadRules(tuple(stored["exclude_scopes"]), renames, stored["moving_average"])
    request = TuningRequest(stored["checkpoint"], rules)
    try:
        return request, open_weights(request.checkpoint, config.net)
    except TfinspectError:
        if not Progress.read(info.directory).checkpoint:
            raise
        # The run has weights of its own by now; only the proof has nothing to compare with.
        return request, None


def _description(prepared: Prepared) -> dict[str, Any]:
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
            "rename": [list(pair) for pair in rules.rename],
            "moving_average": rules.moving_average,
            "stages": [stage.to_dict() for stage in prepared.stages],
        },
    }


def _tuning(prepared: Prepared, run: RunDirectory, observer: Observer) -> Tuning:
    return Tuning(
        prepared.config, prepared.data, prepared.model, prepared.stages, run, Progress(), observer
    )


def _run(tuning: Tuning, artifact: Artifact | None, rules: LoadRules) -> FineTuneResult:
    make_repeatable(tuning.config.seed)
    tuning = dataclasses.replace(tuning, observer=logged(tuning.observer, tuning.run))
    with errors_logged(tuning.run):
        stored = _fill(tuning, artifact, rules)
        proofs = train_stages(tuning, stored)
    training, outcome = conclude(tuning, artifact, proofs)
    return FineTuneResult(training, outcome, tuple(proofs))


def _fill(tuning: Tuning, artifact: Artifact | None, rules: LoadRules) -> dict[str, str]:
    """Loads the weights to begin with; returns the digests of those still as in the checkpoint."""
    model, progress = tuning.model, tuning.progress
    stored: dict[str, str] = {}
    if artifact is not None:
        report = plan(model, artifact, rules)
        stored = stored_digests(artifact, report, model)
        if not progress.checkpoint:
            tuning.observer.on_phase(f"loading {artifact.path}")
            restore(model, artifact, rules)
    if progress.checkpoint:
        prefix = tuning.run.file(progress.checkpoint)
        checkpoints.assign(model.variables_by_name(), checkpoints.read(prefix), prefix)
    if tuning.config.batch_norm == "recalibrate":
        stored = {n: d for n, d in stored.items() if not n.rpartition("/")[2].startswith("moving_")}
        if not progress.checkpoint:
            _recalibrate(tuning)
    return stored


def _recalibrate(tuning: Tuning) -> None:
    tuning.observer.on_phase("measuring batch-norm statistics on the training images")
    images = pipeline.evaluation_dataset(tuning.batches("train"))
    recalibrate(tuning.model, images.map(lambda image, _: image))


def train_stages(tuning: Tuning, stored: dict[str, str]) -> list[FrozenProof]:
    """Trains stage after stage, from where the progress is."""
    stages, progress = tuning.stages, tuning.progress
    record = FrozenRecord(tuning.run)
    proofs = record.proofs()
    place = position(stages, progress.records, tuning.config.patience)
    for number, earlier in enumerate(stages[: place.index]):
        if number == len(proofs):
            # The run was broken off between the end of this stage and its proof.
            _prove(tuning, earlier, record.start(number), stored, proofs)
        stored = _untouched(tuning, earlier, stored)
    while place.index < len(stages):
        stage = stages[place.index]
        tuning.model.begin(stage)
        before = _at_start(tuning, record, place)
        _train_stage(tuning, place.first_epoch, before)
        _prove(tuning, stage, before, stored, proofs)
        stored = _untouched(tuning, stage, stored)
        place = position(stages, progress.records, tuning.config.patience)
    return proofs


def _at_start(tuning: Tuning, record: FrozenRecord, place: Position) -> dict[str, str]:
    """Returns the digests at the start of a stage: taken now, or before an interruption in it."""
    if _is_inside(tuning, place.first_epoch):
        return record.start(place.index)
    before = digests(tuning.model)
    record.write_start(place.index, before)
    return before


def _is_inside(tuning: Tuning, first_epoch: int) -> bool:
    return tuning.progress.step > first_epoch * tuning.steps_per_epoch


def _prove(
    tuning: Tuning,
    stage: Stage,
    before: dict[str, str],
    stored: dict[str, str],
    proofs: list[FrozenProof],
) -> None:
    """Adds the proof of a stage that is over."""
    proofs.append(prove(tuning.model, stage, before, stored))
    FrozenRecord(tuning.run).write_proofs(proofs)
    tuning.observer.on_phase(proofs[-1].sentence())


def _untouched(tuning: Tuning, stage: Stage, stored: dict[str, str]) -> dict[str, str]:
    frozen = set(frozen_names(tuning.model, stage))
    return {name: digest for name, digest in stored.items() if name in frozen}


def _train_stage(tuning: Tuning, first_epoch: int, weights: dict[str, str]) -> None:
    stage, progress = tuning.model.stage, tuning.progress
    tuning.model.steps.done.assign(progress.step)

    def restore_slots(trainer: Trainer) -> None:
        # A checkpoint of the stage before has slots of other variables.
        if _is_inside(tuning, first_epoch):
            prefix = tuning.run.file(progress.checkpoint)
            checkpoints.assign(trainer.values(), checkpoints.read(prefix), prefix)
            done = progress.step - first_epoch * tuning.steps_per_epoch
            trainer.optimizer.iterations.assign(done)

    network = cut_for(tuning, stage)
    if network is None:
        tuning.observer.on_phase(f"training stage '{stage.name}' on the images")
        train_on_images(tuning, first_epoch, restore_slots)
    else:
        train_on_features(tuning, network, first_epoch, restore_slots, weights)
