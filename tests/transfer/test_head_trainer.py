"""The trainer of a stage on features: the best weights wait in memory until the stage ends."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfinspect.errors import DataError
from tfinspect.nets.registry import get_spec
from tfinspect.training import checkpoints
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.segments import Segment
from tfinspect.training.trainer import Trainer
from tfinspect.transfer import head_loop
from tfinspect.transfer.boundary import cut
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.train_head import HeadTrainer
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning import make_stage_trainer

SEGMENT = Segment(start_step=0, first_epoch=0, num_epochs=2, steps_per_epoch=7)
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
    monkeypatch.setattr(Trainer, "write_best", full)
    run = RunDirectory(str(tmp_path))
    with pytest.raises(DataError):
        trainer.write(run, Progress(step=2, best_step=1))
    # No state speaks of best weights that are not there.
    assert not os.path.exists(run.state)
    for name, value in values(trainer).items():
        np.testing.assert_array_equal(value, last[name], err_msg=name)


class Told(tf_keras.callbacks.Callback):
    """Sets the first step's rate of each call, as a run's callback does, and keeps the losses."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.losses, self.calls = rate, [], 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate.assign(np.float32(self.rate(len(self.losses))))

    def on_train_batch_end(self, batch, logs=None):
        self.calls += 1
        self.losses += np.ravel(logs["loss"]).tolist()


def normalized():
    """Returns a network of which a stage with batch normalization is trained."""
    model = TunedModel(get_spec("cifar_resnet8_v1", width=0.5).with_image_size(8), 3, seed=0)
    model.begin(LAST)
    return model


def with_dropout():
    """Returns a network of which the head is trained, with its dropout."""
    model = TunedModel(get_spec("mobilenet_v1_025").with_image_size(32), 3, seed=0)
    model.begin(Stage("head", ("MobilenetV1/Logits",), 1, 0.1))
    # Under the initial ones features vanish, and to nothing all masks are alike.
    random = np.random.default_rng(3)
    for name, one in model.variables_by_name().items():
        if name.endswith("weights"):
            inputs = 9 if "depthwise" in name else np.prod(one.shape[:-1])
            one.assign(random.normal(0, np.sqrt(2 / inputs), one.shape).astype(np.float32))
    return model


def fitted(model, settings, fit):
    """Trains on made features, and returns what was told and the weights with their slots."""

    def falling(step):
        return 0.01 / (step + 1)

    network = cut(model)
    trainer = make_stage_trainer(settings, model, HeadModel(model, network), HeadTrainer)
    random = np.random.default_rng(0)
    one = network.features(tf.zeros([1, *model.spec.image_shape]))
    shapes = [(14, 8, *tensor.shape[1:]) for tensor in one]
    features = tuple(random.normal(size=shape).astype(np.float32) for shape in shapes)
    features = features[0] if len(features) == 1 else features
    labels = random.integers(0, 3, (14, 8))
    told = Told(falling)
    fit(trainer, tf.data.Dataset.from_tensor_slices((features, labels)), SEGMENT, [told], falling)
    return told, {name: np.asarray(one) for name, one in trainer.values().items()}


@pytest.mark.parametrize("network", [normalized, with_dropout])
def test_several_steps_a_call_come_to_the_weights_of_keras(network, settings, monkeypatch):
    monkeypatch.setattr(head_loop, "SECONDS_PER_CALL", 1e9)
    ours, weights = fitted(network(), settings, HeadTrainer.fit)
    theirs, expected = fitted(network(), settings, Trainer.fit)
    # 1, 2, 4, and nothing over the end of the epoch: then the seven of the next one.
    assert (ours.calls, theirs.calls) == (4, 14)
    assert ours.losses == theirs.losses
    assert weights["global_step"] == 14
    for name, value in expected.items():
        np.testing.assert_array_equal(weights[name], value, err_msg=name)


def test_calls_that_take_long_are_of_one_step(settings, monkeypatch):
    monkeypatch.setattr(head_loop, "SECONDS_PER_CALL", 0.0)
    told, _ = fitted(normalized(), settings, HeadTrainer.fit)
    assert told.calls == 14


def test_dropout_of_each_step_is_that_of_the_whole_network(settings, monkeypatch):
    """The same masks give the same losses, step by step, on images and on their features."""
    monkeypatch.setattr(head_loop, "SECONDS_PER_CALL", 1e9)
    pixels = np.random.default_rng(1).uniform(-1, 1, (7, 8, 32, 32, 3)).astype(np.float32)
    labels = np.random.default_rng(2).integers(0, 3, (7, 8))
    segment, losses = dataclasses.replace(SEGMENT, num_epochs=1), []
    for on_features in (True, False):
        model = with_dropout()
        network, told = cut(model), Told(lambda _: 0.0)
        head = HeadModel(model, network) if on_features else model
        kind = HeadTrainer if on_features else Trainer
        inputs = pixels
        if on_features:
            inputs = np.stack([network.features(tf.constant(one))[0] for one in pixels])
        trainer = make_stage_trainer(settings, model, head, kind)
        dataset = tf.data.Dataset.from_tensor_slices((inputs, labels))
        trainer.fit(dataset, segment, [told], told.rate)
        losses.append(told.losses)
    assert len(set(losses[0])) == 7
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_weight_that_is_not_finite_is_seen(trainer):
    assert trainer.is_finite()
    one = trainer.model.live_variables[-1]
    one.assign(np.full(one.shape, np.nan, np.float32))
    assert not trainer.is_finite()
