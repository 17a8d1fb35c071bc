"""Fine-tunings of other kinds than the default: statistics, averages, dropout, sources, data."""

import dataclasses
import json
import os

import numpy as np
import pytest
from oracle_files import ORACLE
from transfer_images import SIZE
from transfer_stops import stop_at_step

from tfinspect.data.convert import convert
from tfinspect.errors import TrainingInterruptedError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.training.run import Observer
from tfinspect.transfer.finetune import finetune, resume_finetuning
from tfinspect.transfer.head_lr import find_head_rate
from tfinspect.transfer.tuning_request import TuningRequest

pytestmark = pytest.mark.slow
HEAD = "resnet/logits"


@pytest.fixture(scope="module")
def head_alone(settings):
    return dataclasses.replace(settings, tune_epochs=0)


def latest(output):
    return checkpoints.read(checkpoints.latest(os.path.join(output, "checkpoints")))


def moved(output, before):
    """Returns the names of stored variables that are not those of the checkpoint any more."""
    after, stored = latest(str(output)), checkpoints.read(before)
    return {name for name, value in stored.items() if not np.array_equal(value, after[name])}


def read(output, name):
    return json.loads((output / name).read_text())


def test_frozen_normalizations_keep_the_checkpoints_statistics(head_alone, pretrained, tmp_path):
    output = tmp_path / "frozen"
    result = finetune(TuningRequest(pretrained), head_alone, str(output))
    assert moved(output, pretrained) == {f"{HEAD}/weights", f"{HEAD}/biases"}
    assert result.proofs[0].changed == ()


def test_adapting_normalizations_move_their_statistics_alone(head_alone, pretrained, tmp_path):
    output = tmp_path / "adapt"
    config = dataclasses.replace(head_alone, batch_norm="adapt")
    result = finetune(TuningRequest(pretrained), config, str(output))
    below = {name for name in moved(output, pretrained) if not name.startswith(HEAD)}
    assert below == {name for name in checkpoints.read(pretrained) if "/moving_" in name}
    assert result.proofs[0].changed == ()


def test_recalibrated_statistics_are_measured_once_and_stay(head_alone, pretrained, tmp_path):
    output = tmp_path / "recalibrate"
    config = dataclasses.replace(head_alone, batch_norm="recalibrate")
    longer = dataclasses.replace(config, head_epochs=1)
    result = finetune(TuningRequest(pretrained), config, str(output))
    finetune(TuningRequest(pretrained), longer, str(tmp_path / "shorter"))
    below = {name for name in moved(output, pretrained) if not name.startswith(HEAD)}
    assert below == {name for name in checkpoints.read(pretrained) if "/moving_" in name}
    ours, others = latest(str(output)), latest(str(tmp_path / "shorter"))
    assert all(np.array_equal(ours[name], others[name]) for name in below)
    assert result.proofs[0].changed == ()
    assert result.proofs[0].with_checkpoint == result.proofs[0].frozen - len(below)


def test_every_setting_of_the_stages_at_once(settings, pretrained, tmp_path):
    config = dataclasses.replace(
        settings, gradual=2, layer_decay=0.5, views=2, ema_decay=0.5, patience=1, head_epochs=6,
        class_weights="balanced", label_smoothing=0.2, schedule="cosine", warmup_epochs=1.0,
    )  # fmt: skip
    output = tmp_path / "run"
    result = finetune(TuningRequest(pretrained), config, str(output))
    assert [proof.stage for proof in result.proofs] == ["head", "from resnet/stage2", "all"]
    assert all(proof.changed == () for proof in result.proofs)
    assert f"{HEAD}/weights/ExponentialMovingAverage" in latest(str(output))
    frozen = {"resnet/conv1/weights", "resnet/stage1/unit1/conv1/weights"}
    assert {row["name"] for row in read(output, "load_report.json")} >= frozen


def test_run_writes_down_which_image_lies_in_which_split(head_alone, pretrained, photos, tmp_path):
    output = tmp_path / "run"
    finetune(TuningRequest(pretrained), head_alone, str(output))
    split = read(output, "split.json")
    named = [name for part in split["splits"].values() for name in part["files"]]
    on_disk = [f"{label}/{name}" for label in os.listdir(photos) for name in os.listdir(
        os.path.join(photos, label)
    )]  # fmt: skip
    assert split["seed"] == head_alone.seed
    assert sorted(named) == sorted(on_disk)
    assert set(split["splits"]["test"]["labels"].values()) == {2}


def test_network_with_dropout_goes_on_to_the_same_weights(settings, tmp_path):
    """Once stopped in the head's stage, once with everything trainable."""
    spec = get_spec("mobilenet_v1_025").with_image_size(32)
    prefix = str(tmp_path / "mobilenet.ckpt")
    checkpoints.save(prefix, SlimModel(spec, 7, seed=1).variables_by_name())
    config = dataclasses.replace(
        settings, net=spec.name, width=1.0, image_size=(32, 32), head_epochs=2, tune_epochs=1
    )
    whole = str(tmp_path / "whole")
    finetune(TuningRequest(prefix), config, whole)
    for step in (2, 7):
        stopped = str(tmp_path / f"stopped-{step}")
        with pytest.raises(TrainingInterruptedError):
            finetune(TuningRequest(prefix), config, stopped, observer=stop_at_step(step))
        resume_finetuning(stopped)
        ours, theirs = latest(stopped), latest(whole)
        assert [name for name in theirs if not np.array_equal(ours[name], theirs[name])] == []


def test_run_of_ours_is_a_checkpoint_and_shards_are_data(head_alone, pretrained, photos, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    config = dataclasses.replace(head_alone, head_epochs=1)
    finetune(TuningRequest(pretrained), config, str(first))
    shards = tmp_path / "shards"
    convert(photos, str(shards))
    other = dataclasses.replace(config, data=str(shards))
    result = finetune(TuningRequest(str(first)), other, str(second))
    rows = {
        row["name"]: row for row in read(second, "load_report.json") if row["status"] != "unused"
    }
    assert rows["resnet/conv1/weights"]["status"] == "loaded"
    assert rows[f"{HEAD}/weights"]["status"] == "re-initialised"
    assert result.proofs[0].with_checkpoint == result.proofs[0].frozen


def test_cifar_archive_is_data_with_its_splits_and_labels(head_alone, pretrained, tmp_path):
    archive = str(ORACLE / "cifar10_data" / "cifar-10-python.tar.gz")
    config = dataclasses.replace(head_alone, data=archive, image_size=None, head_epochs=1)
    output = tmp_path / "run"
    result = finetune(TuningRequest(pretrained), config, str(output))
    described = read(output, "config.json")
    assert described["image_shape"] == [32, 32, 3]
    assert described["labels"][:2] == ["airplane", "automobile"]
    assert described["data"]["examples"] == {"train": 90, "validation": 10, "test": 20}
    assert result.training.step == 90 // 16
    assert moved(output, pretrained) == {f"{HEAD}/weights", f"{HEAD}/biases"}


def test_rate_is_looked_for_on_the_checkpoints_features(settings, pretrained, tmp_path):
    found = find_head_rate(TuningRequest(pretrained), settings, str(tmp_path / "rate"))
    assert 1e-5 < found.suggestion < 10
    assert sorted(os.listdir(tmp_path / "rate")) == ["lr-finder.csv", "lr-finder.png"]
    assert settings.image_size == (SIZE, SIZE)


def test_stage_that_ends_early_is_told(head_alone, pretrained, tmp_path):
    config = dataclasses.replace(head_alone, head_epochs=8, patience=1, learning_rate=3.0)
    said = []
    finetune(
        TuningRequest(pretrained),
        config,
        str(tmp_path / "run"),
        observer=Observer(on_phase=said.append),
    )
    metrics = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    epochs = len(metrics) - 1
    assert epochs < 8
    told = f"stage 'head' ended after {epochs} of 8 epochs: no lower validation loss for 1"
    assert said.index(told) < said.index("writing curves and export, measuring on the test split")
