"""The learning-rate range test of a new head on a checkpoint's features."""

from typing import Any

from tfinspect.data import pipeline
from tfinspect.training.lr_finder import STEPS, RateTest, range_test
from tfinspect.training.progress import Progress
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory, refuse_occupied
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.prepare_tuning import prepare_tuning
from tfinspect.transfer.restore import restore
from tfinspect.transfer.tuning import Tuning, make_stage_trainer
from tfinspect.transfer.tuning_request import TuningRequest


def find_head_rate(
    request: TuningRequest, config: FineTuneConfig, output: str, *, progress: Any = None
) -> RateTest:
    """Runs the range test on the first stage, and draws its curve.

    Args:
      request: checkpoint, rules and stages.
      config: its learning rate and schedule play no part.
      output: directory that takes `lr-finder.png` and `lr-finder.csv`; created if missing.
      progress: told while data are downloaded or converted; None tells nobody.

    Raises:
      TfinspectError: as `prepare_tuning` says; no run could be trained into `output`; or the loss
        is not finite from the start.
    """
    refuse_occupied(output)
    prepared = prepare_tuning(request, config, progress)
    model, stage = prepared.model, prepared.stages[0]
    restore(model, prepared.artifact, prepared.request.rules)
    model.begin(stage)
    trainer = make_stage_trainer(prepared.config, model, model)
    tuning = Tuning(
        prepared.config,
        prepared.data,
        model,
        prepared.stages,
        RunDirectory(output),
        Progress(),
        Observer(),
    )
    dataset = pipeline.training_dataset(
        tuning.batches("train"),
        seed=prepared.config.seed,
        epochs=-(-STEPS // tuning.steps_per_epoch),
        **tuning.augmentation(stage),
    )
    return range_test(model, trainer.optimizer, dataset, output)
