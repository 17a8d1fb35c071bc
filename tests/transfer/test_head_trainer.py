"""The trainer of a stage on features: the best weights wait in memory until the stage ends."""

import os

import numpy as np
import pytest

from tfinspect.errors import DataError
from tfinspect.training import checkpoints
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.boundary import cut
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.train_head import HeadTrainer
from tfinspect.transfer.tuning import make_stage_trainer

LAST = Stage("last", ("resnet/stage3", "resnet/logits"), 1, 0.1)


@pytest.fixture
def trainer(make_tuned, settings):
    """Of a stage with batch normalization."""
    model, _ = make_tuned(LAST, settings)
    return make_stage_trainer(settings, model, HeadModel(model, cut(model)), HeadTrainer)


def values(trainer):
    return {name: one.numpy() for name, one in trainer.model.variables_by_name().items()}


def add_one(trainer):
    for one in trainer.model.live_variables:
        one.assign_add(np.ones(one.shape, np.float32))


def test_best_weights_are_stored_with_the_statistics_of_their_step(trainer, tmp_path):
    run = RunDirectory(str(tmp_path))
    best = values(trainer)
    trainer.save_best(run, 1)
    add_one(trainer)
    last = values(trainer)
    trainer.write(run, Progress(step=2))
    stored = checkpoints.read(os.path.join(run.best, "model.ckpt-1"))
    statistic = "resnet/stage3/unit1/conv1/BatchNorm/moving_mean"
    assert not np.array_equal(best[statistic], last[statistic])
    for name in best:
        np.testing.assert_array_equal(stored[name], best[name], err_msg=name)
        np.testing.assert_array_equal(values(trainer)[name], last[name], err_msg=name)


def test_last_weights_come_back_when_the_best_cannot_be_written(trainer, tmp_path, monkeypatch):
    def full(*_):
        raise DataError("cannot write: no space left on device.")

    trainer.save_best(RunDirectory(str(tmp_path)), 1)
    add_one(trainer)
    last = values(trainer)
    monkeypatch.setattr(Trainer, "save_best", full)
    with pytest.raises(DataError):
        trainer.write(RunDirectory(str(tmp_path)), Progress(step=2))
    for name, value in values(trainer).items():
        np.testing.assert_array_equal(value, last[name], err_msg=name)
