"""The stages of a fine-tuning one after the other, each with its proof, from weights to weights."""

import numpy as np

from tfinspect.artifacts import Artifact
from tfinspect.data import pipeline
from tfinspect.errors import NetworkError
from tfinspect.training import checkpoints
from tfinspect.training.chiefs_word import assign_chiefs
from tfinspect.training.interruption import StopRequest, interrupted_after, stop_requests
from tfinspect.training.trainer import Trainer
from tfinspect.transfer import cluster_head, cluster_tuning
from tfinspect.transfer.frozen import (
    FrozenProof,
    digests,
    frozen_names,
    is_statistic,
    prove,
    stored_digests,
)
from tfinspect.transfer.frozen_record import FrozenRecord
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.recalibrate import recalibrate
from tfinspect.transfer.restore import plan, restore
from tfinspect.transfer.same_weights import require_same_weights
from tfinspect.transfer.stage_progress import Position, position
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.train_head import cut_for, train_on_features
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning import Tuning, train_on_images


def fill(tuning: Tuning, artifact: Artifact | None, rules: LoadRules) -> dict[str, str]:
    """Loads the weights to begin with.

    Args:
      tuning: the run.
      artifact: the checkpoint; None where it is gone, and the run has a backup.
      rules: how its variables go into the network's.

    Returns:
      Name -> SHA-256 of those that still have the checkpoint's bytes.

    Raises:
      NetworkError: a loaded value is NaN or infinite.
    """
    model, progress = tuning.model, tuning.progress
    stored: dict[str, str] = {}
    if artifact is not None:
        report = plan(model, artifact, rules, classes_of_data=True)
        stored = stored_digests(artifact, report, model)
        if not progress.checkpoint:
            tuning.observer.on_phase(f"loading {artifact.path}")
            restore(model, artifact, rules)
            _require_finite(model, artifact.path)
    if progress.checkpoint:
        prefix = tuning.run.file(progress.checkpoint)
        checkpoints.assign(model.variables_by_name(), checkpoints.read(prefix), prefix)
    if tuning.config.batch_norm == "recalibrate":
        stored = {name: one for name, one in stored.items() if not is_statistic(name)}
        if not progress.checkpoint:
            _recalibrate(tuning)
    return stored


def _require_finite(model: TunedModel, path: str) -> None:
    broken = [n for n, one in model.variables_by_name().items() if not np.isfinite(one).all()]
    if broken:
        raise NetworkError(
            f"{len(broken):,} variables of '{path}' hold NaN or infinite values, the first "
            f"'{broken[0]}'; `tfinspect list-vars {path} --health` lists them, and --exclude-scope "
            "begins anew with them."
        )


def _recalibrate(tuning: Tuning) -> None:
    tuning.observer.on_phase("measuring batch-norm statistics on the training images")
    images = pipeline.evaluation_dataset(tuning.batches("train"))
    recalibrate(tuning.model, images.map(lambda image, _: image))
    if tuning.team is not None:
        # Every process has measured the same images; processors may differ in the last bit.
        named = tuning.model.variables_by_name().items()
        assign_chiefs(tuning.team, [one for name, one in named if is_statistic(name)])


def train_stages(tuning: Tuning, stored: dict[str, str]) -> list[FrozenProof]:
    """Trains stage after stage, from where the progress is.

    Args:
      tuning: the run, with its weights.
      stored: as `fill` returns it.

    Raises:
      ClusterError: processes that train together have different weights.
      TrainingDivergedError, TrainingInterruptedError: as `training.run.train` says.
    """
    if tuning.team is None:
        return _train_stages(tuning, stored)
    # One request for all of them: a process may be asked to stop between two looks of a stage.
    with stop_requests() as stop:
        return _train_stages(tuning, stored, stop)


def _train_stages(
    tuning: Tuning, stored: dict[str, str], stop: StopRequest | None = None
) -> list[FrozenProof]:
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
        _require_same_weights(tuning, f"before the stage '{stage.name}'")
        before = _at_start(tuning, record, place)
        _train_stage(tuning, place.first_epoch, before)
        _tell_early_end(tuning, stage, len(progress.records) - place.first_epoch)
        _prove(tuning, stage, before, stored, proofs)
        stored = _untouched(tuning, stage, stored)
        _end_if_asked(tuning, stop)
        place = position(stages, progress.records, tuning.config.patience)
    _require_same_weights(tuning, "after the last stage")
    return proofs


def _end_if_asked(tuning: Tuning, stop: StopRequest | None) -> None:
    if tuning.team is not None and stop is not None and any(tuning.team.agree(stop.requested)):
        raise interrupted_after(tuning.progress.step, "finetune", tuning.run.shown)


def _tell_early_end(tuning: Tuning, stage: Stage, epochs: int) -> None:
    if epochs < stage.epochs:
        tuning.observer.on_phase(
            f"stage '{stage.name}' ended after {epochs} of {stage.epochs} epochs: no lower "
            f"validation loss for {tuning.config.patience}"
        )


def _require_same_weights(tuning: Tuning, when: str) -> None:
    if tuning.team is not None:
        require_same_weights(tuning.team, digests(tuning.model), when)


def _at_start(tuning: Tuning, record: FrozenRecord, place: Position) -> dict[str, str]:
    """Returns the digests at the start of a stage: taken now, or before an interruption in it."""
    if _is_inside(tuning, place.first_epoch):
        return record.start(place.index)
    before = digests(tuning.model)
    if tuning.writes:
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
    if tuning.writes:
        FrozenRecord(tuning.run).write_proofs(proofs)
    if proofs[-1].changed or not tuning.writes:
        # What is sound is said at the end of the run, by the process that writes it; a change may
        # not wait for that.
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
        on_images = train_on_images if tuning.team is None else cluster_tuning.train_on_images
        on_images(tuning, first_epoch, restore_slots)
    else:
        on_features = train_on_features if tuning.team is None else cluster_head.train_on_features
        on_features(tuning, network, first_epoch, restore_slots, weights)
