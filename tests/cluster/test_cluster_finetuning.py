"""Several real processes fine-tune one network over loopback."""

import csv
import json
import os
import re
import sys

import numpy as np
import pytest
from transfer_images import NETWORK, SIZE

from tfinspect.training import checkpoints
from tfinspect.transfer.finetune import finetune
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.tuning_request import TuningRequest

sys.path.insert(0, os.path.dirname(__file__))
from processes import MARKS, configurations, said_by, start, wait_until
from tuning_runs import (
    BATCH,
    STEPS,
    WIDTH,
    make_place,
    settings_of,
    start_tuning,
    told_by,
)

pytestmark = MARKS
# Each epoch of a head takes long enough to be noticed.
SLOW = """
import sys, time
from tfinspect.training.progress import Progress
from tfinspect_cli.main import main
usual = Progress.write
def write(self, run):
    time.sleep(0.2)
    usual(self, run)
Progress.write = write
sys.argv = ["tfinspect", *sys.argv[1:]]
main()
"""
COMMON = (
    "--net",
    NETWORK,
    "--width",
    str(WIDTH),
    "--image-size",
    str(SIZE),
    "--no-random-features",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_place(tmp_path_factory.mktemp("finetuning"))


@pytest.fixture(scope="module")
def alone_and_together(place, tmp_path_factory):
    """One process with the whole batch, and two with half of it each."""
    runs = tmp_path_factory.mktemp("runs")
    settings = {"class_weights": "balanced", "ema_decay": 0.9, "patience": 9}
    stages = str(place / "stages.json")
    started = {
        count: start_tuning(count, place, runs / str(count), stages, **settings) for count in (1, 2)
    }
    return {count: (told_by(started[count]), runs / str(count)) for count in started}


def read(output, name):
    return json.loads((output / name).read_text(encoding="utf-8"))


def test_two_processes_have_the_losses_of_one_in_every_stage(alone_and_together):
    [alone] = alone_and_together[1][0]
    first, second = alone_and_together[2][0]
    assert len(alone["losses"]) == STEPS * (2 + 4)
    # The head is trained by the chief, on features that both have computed.
    assert first["losses"][2 * STEPS :] == second["losses"]
    assert len(second["losses"]) == 20
    np.testing.assert_allclose(first["losses"], alone["losses"], atol=1e-5, rtol=0)
    # Losses that did not depend on the weights would prove nothing.
    assert max(alone["losses"]) - min(alone["losses"]) > 0.05
    assert first["accuracy"] == alone["accuracy"]
    assert second["accuracy"] is None


def test_two_processes_validate_as_one_and_end_with_its_weights(alone_and_together):
    rows = {}
    for count, (_, output) in alone_and_together.items():
        with open(output / "metrics.csv", encoding="utf-8") as stream:
            rows[count] = list(csv.DictReader(stream))
    assert len(rows[1]) == 6
    for alone, together in zip(rows[1], rows[2], strict=True):
        assert together["validation_accuracy"] == alone["validation_accuracy"]
        for name in ("validation_loss", "loss", "accuracy"):
            assert float(together[name]) == pytest.approx(float(alone[name]), abs=1e-5), name
    alone, together = (
        checkpoints.read(checkpoints.latest(str(output / "checkpoints")))
        for _, output in alone_and_together.values()
    )
    assert sorted(alone) == sorted(together)
    for name in alone:
        np.testing.assert_allclose(together[name], alone[name], atol=1e-4, err_msg=name)


def test_frozen_tensors_stay_byte_for_byte_in_every_process(alone_and_together):
    told, output = alone_and_together[2]
    head, later = read(output, "frozen.json")
    assert head["changed"] == later["changed"] == []
    # All but the classifier, and but the three kernels: the checkpoint's own bytes.
    assert (head["with_checkpoint"], later["with_checkpoint"]) == (35, 32)
    # The others, which have no result to say it in, say it after each stage.
    said = [sum("unchanged, byte for byte" in text for text in one["said"]) for one in told]
    assert said == [0, 2]
    assert not [text for one in told for text in one["said"] if "CHANGED" in text]


def test_chief_alone_writes_and_writes_all_of_a_run(alone_and_together):
    (_, alone), (_, together) = alone_and_together[1], alone_and_together[2]
    assert sorted(os.listdir(together)) == sorted(os.listdir(alone))
    for name in ("load_report.json", "split.json"):
        assert read(together, name) == read(alone, name)
    assert read(together, "result.json")["frozen"] == read(together, "frozen.json")


def test_adapting_statistics_are_put_together(place, tmp_path):
    """The mean over a batch is the mean of those of its halves, in the first layer."""
    settings = {"batch_norm": "adapt", "batch_norm_decay": 0.5, "data": str(place / "even")}
    settings |= {"head_epochs": 1, "tune_epochs": 0, "augment": "none"}
    started = start_tuning(2, place, tmp_path / "together", **settings)
    config = FineTuneConfig(**settings_of(place, **settings))
    finetune(TuningRequest(str(place / "model.ckpt")), config, str(tmp_path / "alone"))
    told_by(started)
    alone, together = (
        checkpoints.read(checkpoints.latest(str(tmp_path / name / "checkpoints")))[
            "resnet/conv1/BatchNorm/moving_mean"
        ]
        for name in ("alone", "together")
    )
    assert np.max(np.abs(alone - 0.1)) > 0.1
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_different_checkpoints_are_named_before_anything_is_trained(place, tmp_path):
    started = [
        start(text, "finetune", str(place / name), *COMMON, "--data", str(place / "photos"),
              "--output", str(tmp_path / "run"))
        for text, name in zip(configurations(2), ("model.ckpt", "other.ckpt"), strict=True)
    ]  # fmt: skip
    for text in said_by(started, 2):
        assert "worker 1 has the hash of the checkpoint '" in text
    assert not (tmp_path / "run").exists()


def _text(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _records(output):
    return (
        read(output, "backup/state.json")["records"] if _text(output / "backup/state.json") else []
    )


def begun(place, output, *settings, program=("-m", "tfinspect_cli")):
    """Starts two processes of a new run."""
    arguments = ("finetune", str(place / "model.ckpt"), *COMMON, "--data", str(place / "photos"))
    settings = ("--batch-size-per-replica", "6", *settings, "--output", str(output))
    return [start(t, *arguments, *settings, program=program) for t in configurations(2)]


def resumed(output):
    """Starts two processes that go on with a run."""
    return [start(t, "finetune", "--resume", "--output", str(output)) for t in configurations(2)]


def test_stopped_worker_stops_the_chief_in_the_head_stage_and_both_go_on_to_the_end(
    place, tmp_path
):
    output = tmp_path / "run"
    stages = ("--head-epochs", "200", "--tune-epochs", "1")
    started = begun(place, output, *stages, program=("-c", SLOW))
    wait_until(lambda: re.search(r"epoch +3/201", _text(output / "log.txt")), started)
    started[1].terminate()
    said = said_by(started, 130)
    assert all(f"`tfinspect finetune --resume --output {output}`" in text for text in said)
    assert 3 <= len(_records(output)) < 200
    said_by(resumed(output), 0)
    assert len(_records(output)) == 201
    head, _ = read(output, "frozen.json")
    assert (head["with_checkpoint"], head["changed"]) == (35, [])


def test_killed_worker_ends_a_stage_on_images_which_goes_on_from_the_backup(place, tmp_path):
    output = tmp_path / "run"
    started = begun(place, output, "--head-epochs", "0", "--tune-epochs", "800")
    wait_until(lambda: len(_records(output)) > 2, started)
    started[1].kill()
    started[1].communicate()
    [told] = said_by(started[:1], 2)
    assert "worker 1 was lost after step" in told
    assert f"`tfinspect finetune --resume --output {output}`" in told
    assert not (output / "result.json").exists()

    before = len(_records(output))
    again = resumed(output)
    wait_until(lambda: len(_records(output)) > before + 2, again)
    again[0].terminate()
    said_by(again, 130)
    steps = [record["step"] for record in _records(output)]
    assert steps == [STEPS * (n + 1) for n in range(len(steps))]
    last = checkpoints.read(checkpoints.latest(str(output / "checkpoints")))
    assert last["global_step"] == read(output, "backup/state.json")["step"] > steps[before]


def test_lost_worker_is_waited_for_and_takes_part_again(place, tmp_path):
    output = tmp_path / "run"
    arguments = ("finetune", str(place / "model.ckpt"), *COMMON, "--data", str(place / "photos"))
    arguments += ("--batch-size", str(BATCH), "--head-epochs", "0", "--tune-epochs", "800")
    arguments += ("--output", str(output), "--on-lost", "wait")
    texts = configurations(2)
    processes = [start(text, *arguments) for text in texts]
    wait_until(lambda: len(_records(output)) > 2, processes)
    processes[1].kill()
    processes[1].communicate()
    processes[1] = start(texts[1], *arguments)
    wait_until(lambda: _text(output / "log.txt").count("trains from step") == 2, processes)
    before = len(_records(output))
    wait_until(lambda: len(_records(output)) > before + 2, processes)
    processes[0].terminate()
    said_by(processes, 130)
    steps = [record["step"] for record in _records(output)]
    assert steps == [STEPS * (n + 1) for n in range(len(steps))]
