"""The head on random features is trained as a run from a checkpoint of these weights trains it."""

import dataclasses
import itertools
import json
import os

import numpy as np
import pytest

from tfinspect.errors import TrainingDivergedError, TrainingInterruptedError
from tfinspect.training import callbacks, checkpoints
from tfinspect.training.progress import Progress
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer import random_features
from tfinspect.transfer.finetune import finetune
from tfinspect.transfer.prepare_tuning import make_model, prepare_tuning
from tfinspect.transfer.tuning import Tuning
from tfinspect.transfer.tuning_request import TuningRequest

HEAD = {"trainable": "head", "epochs": 5, "learning_rate": 0.3, "augment": "none"}
REST = {"trainable": "all", "epochs": 1, "learning_rate": 0.001}


@pytest.fixture(scope="module")
def config(settings):
    return dataclasses.replace(
        settings, weight_decay=0.1, label_smoothing=0.1, schedule="cosine", random_features=True
    )


@pytest.fixture
def tuning(config, pretrained, tmp_path):
    """A run of a stage of the head and another one; nothing is trained in it."""
    path = tmp_path / "stages.yaml"
    path.write_text(json.dumps([HEAD, REST]))
    prepared = prepare_tuning(TuningRequest(pretrained, stages_file=str(path)), config)
    parts = (prepared.config, prepared.data, prepared.model, prepared.stages)
    return Tuning(*parts, RunDirectory(str(tmp_path / "run")), Progress(), Observer())


@pytest.mark.slow
def test_head_is_that_of_a_run_from_a_checkpoint_of_random_weights(
    tuning, config, tmp_path, monkeypatch
):
    model, examples = tuning.model, tuning.data[1].training_examples()
    fresh = make_model(tuning.config, model.spec, model.num_classes, examples)
    checkpoint = str(tmp_path / "random.ckpt")
    checkpoints.save(checkpoint, fresh.variables_by_name())
    path = tmp_path / "head.yaml"
    path.write_text(json.dumps([HEAD]))
    alone = dataclasses.replace(config, batch_norm="recalibrate", random_features=False)
    request = TuningRequest(checkpoint, stages_file=str(path))
    # Of five epochs the second is the best in either run, so that it is not the last by chance.
    kept_epochs = itertools.cycle([True, True, False, False, False])
    monkeypatch.setattr(callbacks, "is_kept", lambda *_: next(kept_epochs))
    expected = finetune(request, alone, str(tmp_path / "expected")).training
    assert expected.best_step < expected.step

    trained = {}
    usual = random_features.train_random_head

    def kept(random, network):
        usual(random, network)
        trained.update({n: v.numpy() for n, v in random.model.variables_by_name().items()})

    monkeypatch.setattr(random_features, "train_random_head", kept)
    accuracy = random_features.random_feature_accuracy(tuning)
    best = checkpoints.read(checkpoints.latest(os.path.join(expected.directory, "best")))
    for name, value in trained.items():
        np.testing.assert_array_equal(value, best[name], err_msg=name)
    assert accuracy == pytest.approx(expected.test_accuracy)
    assert not os.path.exists(tuning.run.path)


def test_run_without_a_stage_of_the_head_has_the_defaults(tuning):
    without = dataclasses.replace(tuning, stages=tuning.stages[1:])
    stage = random_features._stage(without)
    assert (stage.epochs, stage.learning_rate) == (tuning.config.head_epochs, 0.01)
    assert random_features._stage(tuning) == tuning.stages[0]


@pytest.mark.slow
def test_training_that_diverges_leaves_the_comparison_out(tuning, monkeypatch):
    def diverge(*_):
        raise TrainingDivergedError("the loss is not finite.")

    monkeypatch.setattr(random_features, "train_random_head", diverge)
    assert random_features.random_feature_accuracy(tuning) is None


@pytest.mark.slow
def test_stop_in_the_comparison_says_that_the_stages_are_over(tuning, monkeypatch):
    def stop(*_):
        raise TrainingInterruptedError("stopped after step 2.")

    monkeypatch.setattr(random_features, "train_random_head", stop)
    with pytest.raises(TrainingInterruptedError, match=r"after all stages; .* --resume --output"):
        random_features.random_feature_accuracy(tuning)
