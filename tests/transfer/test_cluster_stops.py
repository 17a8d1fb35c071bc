"""Whether a request to stop reaches all processes whenever it comes; with a team of one process."""

import dataclasses
import os
import signal

import pytest
import tensorflow as tf

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import TrainingInterruptedError
from tfinspect.training.progress import Progress
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.team import Team
from tfinspect.transfer import cluster_features, train_stages
from tfinspect.transfer.bottlenecks import bottleneck_features
from tfinspect.transfer.boundary import cut
from tfinspect.transfer.frozen import digests
from tfinspect.transfer.prepare_tuning import prepare_tuning
from tfinspect.transfer.train_head import wanted_views
from tfinspect.transfer.tuning import EarlyStopping, Tuning
from tfinspect.transfer.tuning_request import TuningRequest

ALONE = ClusterConfig({"worker": ("127.0.0.1:1",)}, "worker", 0)


def ask_to_stop():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def tuning(pretrained, settings, tmp_path, monkeypatch):
    """A run whose features nobody has computed yet."""
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path / "cache"))
    config = dataclasses.replace(settings, head_epochs=1, tune_epochs=1, augment="none")
    prepared = prepare_tuning(TuningRequest(pretrained), config)
    prepared.model.begin(prepared.stages[0])
    (tmp_path / "run").mkdir()
    run = RunDirectory(str(tmp_path / "run"))
    parts = (prepared.config, prepared.data, prepared.model, prepared.stages, run, Progress())
    return Tuning(*parts, Observer(), Team(ALONE, tf.distribute.OneDeviceStrategy("CPU:0")))


def test_stop_asked_during_the_last_batch_of_features_is_not_lost(tuning):
    def stopping(what, done, total):
        if done == total:
            ask_to_stop()

    tuning = dataclasses.replace(tuning, observer=Observer(on_data=stopping))
    with pytest.raises(TrainingInterruptedError, match="stopped while features were computed"):
        cluster_features.features_of(tuning, cut(tuning.model), "validation", digests(tuning.model))


def test_stop_asked_of_a_helper_during_the_last_batch_is_not_lost(tuning, monkeypatch):
    network = cut(tuning.model)
    batches = []

    def features(images):
        batches.append(len(images))
        ask_to_stop()
        return network.features(images)

    # The chief has no features in its cache, and is not to stop itself.
    asked = iter([True, False])
    monkeypatch.setattr(Team, "agree", lambda _, own: (own or next(asked),))
    helping = dataclasses.replace(network, features=features)
    with pytest.raises(TrainingInterruptedError, match="stopped while features were computed"):
        cluster_features.help_with_features(tuning, helping, "validation")
    assert batches == [6]


def test_features_that_another_run_finishes_are_computed_with_the_helpers_all_the_same(tuning):
    network = cut(tuning.model)
    batches = []

    def features(images):
        batches.append(len(images))
        return network.features(images)

    class Meanwhile(Team):
        def agree(self, *own):
            if not batches:
                (wanted,) = wanted_views(tuning, "validation")
                bottleneck_features(tuning.model, network, wanted, lambda *_: None)
            return own

    team = Meanwhile(tuning.team.cluster, tuning.team.strategy)
    tuning_then = dataclasses.replace(tuning, team=team)
    counting = dataclasses.replace(network, features=features)
    cluster_features.features_of(tuning_then, counting, "validation", digests(tuning.model))
    # The others are in their batches already, and wait for the chief there.
    assert batches == [6]


def test_stop_asked_after_the_last_look_of_a_stage_ends_the_run_after_it(tuning, monkeypatch):
    usual = EarlyStopping.on_epoch_end

    def stopping(self, epoch, logs=None):
        usual(self, epoch, logs)
        ask_to_stop()

    monkeypatch.setattr(EarlyStopping, "on_epoch_end", stopping)
    steps = tuning.steps_per_epoch
    with pytest.raises(TrainingInterruptedError, match=f"after step {steps}, with a checkpoint"):
        train_stages.train_stages(tuning, {})
    assert [record.step for record in tuning.progress.records] == [steps]
    assert tuning.progress.checkpoint
