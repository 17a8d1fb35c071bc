"""What a stage makes of the loss and the rate: smoothing, cosine with warm-up, layer decay."""

import dataclasses
import math

import numpy as np
import pytest

from tfinspect.training.progress import Progress
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer.prepare_tuning import prepare_tuning
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuning import Tuning, make_stage_trainer
from tfinspect.transfer.tuning_request import TuningRequest

HEAD = Stage("head", ("resnet/logits",), 1, 0.1)
EVERYTHING = Stage("all", ("",), 1, 0.01)
LABELS = np.array([0, 1, 2, 0])


def noise():
    return np.random.RandomState(0).uniform(-1, 1, (4, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_spreads_the_smoothed_share_over_all_classes(make_tuned, settings, smoothing):
    """Closed form: -(1 - s) log p[label] - s * mean(log p)."""
    model, trainer = make_tuned(HEAD, dataclasses.replace(settings, label_smoothing=smoothing))
    logits = model(noise()).numpy().astype(np.float64)
    log_p = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    of_label = log_p[np.arange(4), LABELS]
    expected = np.mean(-(1 - smoothing) * of_label - smoothing * np.mean(log_p, axis=1))
    found = model.test_on_batch(noise(), LABELS, return_dict=True)["loss"]
    assert found == pytest.approx(expected, rel=1e-5)
    assert trainer.config.label_smoothing == smoothing


@pytest.fixture(scope="module")
def tuning(pretrained, settings):
    """Of both default stages, with one epoch of warming up."""
    config = dataclasses.replace(settings, schedule="cosine", warmup_epochs=1.0, head_epochs=4)
    prepared = prepare_tuning(TuningRequest(pretrained), config)
    parts = (prepared.config, prepared.data, prepared.model, prepared.stages)
    return Tuning(*parts, RunDirectory("nowhere"), Progress(), Observer())


def test_each_stage_warms_up_and_falls_by_itself(tuning):
    steps = tuning.steps_per_epoch
    first_epoch = 0
    for stage in tuning.stages:
        tuning.model.begin(stage)
        trainer = make_stage_trainer(tuning.config, tuning.model, tuning.model)
        schedule = tuning.loop(trainer, None, stage, first_epoch).schedule
        total = stage.epochs * steps
        rates = [schedule(first_epoch * steps + step) for step in range(total)]
        rising = [(step + 1) / steps for step in range(steps)]
        falling = [
            (1 + math.cos(math.pi * step / (total - steps))) / 2 for step in range(total - steps)
        ]
        expected = stage.learning_rate * np.array(rising + falling)
        np.testing.assert_allclose(rates, expected, rtol=1e-6)
        first_epoch += stage.epochs


@pytest.mark.slow
def test_layer_decay_shortens_the_step_by_the_distance_from_the_head(make_tuned, settings):
    config = dataclasses.replace(settings, optimizer="momentum", weight_decay=0.0)
    decays = {"resnet/logits/weights": 1.0, "resnet/stage3/unit1/conv1/weights": 0.5}
    decays |= {"resnet/stage2/unit1/conv1/weights": 0.25, "resnet/conv1/weights": 0.0625}
    steps = []
    for stage in (EVERYTHING, dataclasses.replace(EVERYTHING, layer_decay=0.5)):
        model, _ = make_tuned(stage, config)
        before = {name: one.numpy() for name, one in model.variables_by_name().items()}
        model.train_on_batch(noise(), LABELS)
        after = model.variables_by_name()
        steps.append({name: after[name].numpy() - before[name] for name in decays})
    for name, factor in decays.items():
        assert np.any(steps[0][name])
        np.testing.assert_allclose(steps[1][name], factor * steps[0][name], atol=1e-7)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "Try in stage 'head' --learning-rate 0.005, a longer --warmup-epochs, or --find-lr."),
        (1, "Try in stage 'all' --tune-learning-rate 5e-05, a longer --warmup-epochs."),
    ],
)
def test_divergence_names_the_rate_of_its_stage(tuning, number, words):
    stage = tuning.stages[number]
    tuning.model.begin(stage)
    trainer = make_stage_trainer(tuning.config, tuning.model, tuning.model)
    assert words in str(tuning.loop(trainer, None, stage, 0).diverged("the loss is", 1))


def test_total_is_that_of_the_stages_that_are_left(tuning):
    """After early stopping at the second epoch of four, two epochs of the second stage remain."""
    told = []
    observer = Observer(on_epoch=lambda _, total: told.append(total))
    observer = dataclasses.replace(observer, on_step=lambda _, total: told.append(total))
    early = dataclasses.replace(tuning, observer=observer)
    stage = tuning.stages[1]
    tuning.model.begin(stage)
    trainer = make_stage_trainer(tuning.config, tuning.model, tuning.model)
    loop = early.loop(trainer, None, stage, 2)
    loop.on_epoch(None)
    loop.on_step(7)
    assert told == [4, 4 * tuning.steps_per_epoch]
