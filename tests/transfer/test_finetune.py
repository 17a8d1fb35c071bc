"""Whole fine-tunings of a tiny network: what they leave, what does not move, going on."""

import dataclasses
import json
import os

import numpy as np
import pytest
from transfer_stops import stop_at_step

from tfinspect.errors import RunError, TrainingInterruptedError
from tfinspect.model import load_model
from tfinspect.training import checkpoints
from tfinspect.training import run as runs
from tfinspect.training.evaluate import evaluate
from tfinspect.transfer.finetune import finetune, resume_finetuning
from tfinspect.transfer.tuning_request import TuningRequest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(pretrained, settings, tmp_path_factory):
    """A run of both default stages, with the comparison on random features."""
    output = str(tmp_path_factory.mktemp("runs") / "finished")
    config = dataclasses.replace(settings, random_features=True)
    return finetune(TuningRequest(pretrained), config, output)


@pytest.fixture(scope="module")
def read(finished):
    def read_json(name):
        with open(os.path.join(finished.training.directory, name), encoding="utf-8") as stream:
            return json.load(stream)

    return read_json


def latest(output):
    return checkpoints.read(checkpoints.latest(os.path.join(output, "checkpoints")))


def test_run_directory_is_that_of_a_training_run_and_more(finished):
    found = set(os.listdir(finished.training.directory))
    assert found >= {
        *("config.json", "metrics.csv", "events", "curves.png", "checkpoints", "best", "backup"),
        *("export", "labels.txt", "log.txt", "test_reads.json", "result.json"),
        "picture-labels.csv",
        *("frozen.json", "load_report.json", "confusion-test.png", "filters.png"),
    }


def test_labels_in_any_script_come_out_of_the_loaded_run(finished):
    model = load_model(finished.training.directory)
    assert model.labels == ("dark", "grün", "明るい")
    image = np.full((20, 30, 3), 230, np.uint8)
    assert model.classify([image])[0][0].label in model.labels


def test_loaded_run_has_the_image_size_of_the_fine_tuning(finished, settings):
    assert load_model(finished.training.directory).image_shape == (*settings.image_size, 3)


def test_run_can_be_evaluated_again(finished):
    again = evaluate(finished.training.directory, split="validation")
    assert again.accuracy == pytest.approx(finished.training.validation_accuracy)


def test_result_holds_the_comparisons(finished, read):
    written = read("result.json")
    assert written["majority_accuracy"] == pytest.approx(1 / 3)
    assert 0 <= written["random_feature_accuracy"] <= 1
    assert written["random_feature_accuracy"] == finished.outcome.random_feature_accuracy


def test_head_stage_leaves_every_other_byte_as_in_the_checkpoint(finished, pretrained, read):
    head = read("frozen.json")[0]
    stored = [name for name in checkpoints.read(pretrained) if "logits" not in name]
    assert head["changed"] == []
    assert head["with_checkpoint"] == head["frozen"] == len(stored)
    assert finished.proofs[0].with_checkpoint == len(stored)


def test_second_stage_trains_everything_from_the_stages_rates(read):
    stages = read("config.json")["transfer"]["stages"]
    assert [stage["learning_rate"] for stage in stages] == [0.01, pytest.approx(0.0001)]
    assert read("frozen.json")[1]["frozen"] == 0


def test_load_report_names_the_rule_of_the_new_classifier(read):
    rows = [row for row in read("load_report.json") if row["status"] != "unused"]
    rules = {row["name"]: row["rule"] for row in rows}
    assert rules["resnet/logits/weights"] == "new classifier"
    assert rules["resnet/conv1/weights"] == "same name"


def test_run_stopped_in_the_second_stage_goes_on_to_the_same_weights(
    finished, pretrained, settings, tmp_path
):
    output = str(tmp_path / "stopped")
    head_steps = settings.head_epochs * 3
    with pytest.raises(TrainingInterruptedError, match="tfinspect finetune --resume"):
        finetune(TuningRequest(pretrained), settings, output, observer=stop_at_step(head_steps + 2))
    resume_finetuning(output)
    ours, theirs = latest(output), latest(finished.training.directory)
    assert sorted(ours) == sorted(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_run_stopped_in_the_head_stage_goes_on_to_the_same_weights(
    finished, pretrained, settings, tmp_path
):
    output = str(tmp_path / "stopped")
    with pytest.raises(TrainingInterruptedError):
        finetune(TuningRequest(pretrained), settings, output, observer=stop_at_step(4))
    resume_finetuning(output)
    ours, theirs = latest(output), latest(finished.training.directory)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_finished_run_is_not_gone_on_with(finished):
    with pytest.raises(RunError, match="is finished"):
        resume_finetuning(finished.training.directory)


def test_train_leaves_a_fine_tuning_to_its_own_command(finished):
    with pytest.raises(RunError, match="tfinspect finetune --resume"):
        runs.resume(finished.training.directory)
