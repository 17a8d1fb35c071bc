"""Whole runs on a tiny network: what they leave, and that they can be stopped and gone on with."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfinspect.errors import (
    ConfigError,
    RunError,
    TrainingDivergedError,
    TrainingInterruptedError,
)
from tfinspect.training import checkpoints, run
from tfinspect.training.schedule import make_schedule
from tfinspect.training.selection import standard_error

pytestmark = pytest.mark.slow
TIMED = ("images_per_second", "seconds")


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """A run that went through without an interruption."""
    output = str(tmp_path_factory.mktemp("runs") / "finished")
    return run.train(tiny, output)


def weights(output):
    """Returns all that the newest checkpoint of a run holds."""
    return checkpoints.read(checkpoints.latest(os.path.join(output, "checkpoints")))


def metrics(output):
    with open(os.path.join(output, "metrics.csv"), encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [{name: row[name] for name in row if name not in TIMED} for row in rows]


def assert_same_end(output, other):
    ours, theirs = weights(output), weights(other)
    assert sorted(ours) == sorted(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_run_directory_holds_what_the_design_says(finished):
    found = set(os.listdir(finished.directory))
    assert found >= {
        *("config.json", "metrics.csv", "events", "curves.png", "checkpoints", "best"),
        *("backup", "export", "labels.txt", "log.txt", "test_reads.json", "result.json"),
    }
    assert not [name for name in found if "tmp" in name]


def test_checkpoint_holds_variables_slots_and_step_by_slim_names(finished):
    stored = weights(finished.directory)
    assert stored["global_step"] == 8
    assert stored["global_step"].dtype == np.int64
    kernel = stored["resnet/stage2/unit1/conv1/weights"]
    assert stored["resnet/stage2/unit1/conv1/weights/Momentum"].shape == kernel.shape


def test_best_holds_variables_without_slots(finished):
    best = checkpoints.read(checkpoints.latest(os.path.join(finished.directory, "best")))
    assert "resnet/stage2/unit1/conv1/weights" in best
    assert not [name for name in best if "Momentum" in name]
    assert best["global_step"] == finished.best_step


def test_metrics_have_a_row_per_epoch_and_the_kept_one_is_the_last_near_their_maximum(finished):
    rows = metrics(finished.directory)
    assert [row["step"] for row in rows] == ["2", "4", "6", "8"]
    accuracies = [float(row["validation_accuracy"]) for row in rows]
    near = [a >= max(accuracies) - standard_error(max(accuracies), 200) for a in accuracies]
    assert finished.best_step == max(2 * (i + 1) for i in range(4) if near[i])
    assert finished.validation_accuracy == pytest.approx(accuracies[finished.best_step // 2 - 1])


def test_test_split_is_read_once_and_stamped(finished):
    stamps = json.loads(Path(finished.directory, "test_reads.json").read_text())
    assert len(stamps) == 1


def test_tensorboard_reads_the_curves(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(os.path.join(finished.directory, "events", "train"))
    events.Reload()
    assert "loss" in events.Tags()["tensors"]
    assert [event.step for event in events.Tensors("loss")] == [2, 4, 6, 8]


def test_equal_seeds_give_bit_identical_runs(tiny, finished, tmp_path):
    run.train(tiny, str(tmp_path / "again"))
    assert_same_end(str(tmp_path / "again"), finished.directory)
    assert metrics(str(tmp_path / "again")) == metrics(finished.directory)


def test_other_seed_gives_other_weights(tiny, finished, tmp_path):
    other = dataclasses.replace(tiny, seed=1, epochs=1)
    run.train(other, str(tmp_path / "other"))
    name = "resnet/conv1/weights"
    assert (weights(str(tmp_path / "other"))[name] != weights(finished.directory)[name]).all()


@pytest.mark.parametrize("step", [4, 5, 8], ids=["epoch's last", "inside", "run's last"])
def test_run_stopped_at_any_step_resumes_bit_for_bit(tiny, finished, tmp_path, step):
    output = str(tmp_path / "stopped")

    def stop(done, total):
        if done == step:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterruptedError, match=rf"stopped after step {step}, with a check"):
        run.train(tiny, output, observer=run.Observer(on_step=stop))
    assert weights(output)["global_step"] == step
    resumed = run.resume(output)
    assert_same_end(output, finished.directory)
    assert resumed.best_step == finished.best_step
    assert resumed.test_accuracy == finished.test_accuracy
    # Means of an epoch that was joined from two parts are equal up to rounding.
    for ours, theirs in zip(metrics(output), metrics(finished.directory), strict=True):
        for name, value in ours.items():
            assert float(value) == pytest.approx(float(theirs[name]), rel=1e-5), name


KILLED = """
import json, os, signal, sys
from tfinspect.training import run
from tfinspect.training.config import config_from
from tfinspect.training import callbacks
# Backed up after every step: the last one before the kill lies inside an epoch.
callbacks.BACKUP_SECONDS = 0.0
def kill(step, total):
    if step == 6:
        os.kill(os.getpid(), signal.SIGKILL)
config = config_from(json.loads(sys.argv[1]), "test")
run.train(config, sys.argv[2], observer=run.Observer(on_step=kill))
"""


def test_killed_run_resumes_bit_for_bit_from_a_backup_inside_an_epoch(tiny, finished, tmp_path):
    output = str(tmp_path / "killed")
    command = [sys.executable, "-c", KILLED, json.dumps(tiny.to_dict()), output]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert json.loads(Path(output, "backup", "state.json").read_text())["step"] == 5
    leftover = Path(output, "checkpoints", ".model.ckpt-6.tmp-1")
    leftover.write_text("half")
    run.resume(output)
    assert not leftover.exists()
    assert_same_end(output, finished.directory)


def test_finished_run_is_not_resumed(finished):
    with pytest.raises(RunError, match="is finished; train a new one into another --output"):
        run.resume(finished.directory)


def test_occupied_directory_is_refused(tiny, finished, tmp_path):
    with pytest.raises(RunError, match="already holds a run; continue it with --resume"):
        run.train(tiny, finished.directory)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="is not empty and holds no run; choose another --output"):
        run.train(tiny, str(tmp_path))
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_resuming_nothing_is_an_error(tmp_path):
    with pytest.raises(RunError, match=r"no run directory '.*absent'; `tfinspect train --output"):
        run.resume(str(tmp_path / "absent"))


def test_batch_larger_than_the_data_leaves_nothing(tiny, tmp_path):
    large = dataclasses.replace(tiny, batch_size=5000)
    with pytest.raises(ConfigError, match=r"batch_size 5000 is larger.*1297.*--batch-size 1297"):
        run.train(large, str(tmp_path / "run"))
    assert os.listdir(tmp_path) == []


def test_divergence_stops_at_once_and_keeps_the_last_good_checkpoint(
    tiny, finished, tmp_path, monkeypatch
):
    from tfinspect.training import loop

    def schedule(config, steps_per_epoch):
        usual = make_schedule(config, steps_per_epoch)
        return lambda step: usual(step) if step < 4 else 1e30

    monkeypatch.setattr(loop, "make_schedule", schedule)
    output = str(tmp_path / "diverged")
    with pytest.raises(
        TrainingDivergedError,
        match=r"loss is not finite at step 6, with the learning rate 1e\+30; the last good "
        r"checkpoint is checkpoints/model\.ckpt-4\. Try --learning-rate 0\.01,",
    ):
        run.train(tiny, output)
    assert weights(output)["global_step"] == 4
    kept = checkpoints.read(checkpoints.latest(os.path.join(output, "best")))
    for values in (weights(output), kept):
        assert all(np.isfinite(value).all() for value in values.values())


def test_divergence_before_the_first_checkpoint_leaves_nothing(tiny, tmp_path):
    wild = dataclasses.replace(tiny, learning_rate=1e30, warmup_epochs=0)
    with pytest.raises(TrainingDivergedError, match="the last good checkpoint is none"):
        run.train(wild, str(tmp_path / "run"))
    assert os.listdir(tmp_path) == []


def test_unusable_settings_leave_nothing(tiny, tmp_path, monkeypatch):
    from tfinspect.training import loop

    def fail(*args):
        raise ConfigError("found late")

    monkeypatch.setattr(loop, "make_schedule", fail)
    with pytest.raises(ConfigError, match="found late"):
        run.train(tiny, str(tmp_path / "run"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("output", ["gs://bucket/run", "ram://run"])
def test_remote_run_directory_is_refused_in_words(tiny, output):
    with pytest.raises(RunError, match=r"a run directory must be local, and '.*://.*' is not"):
        run.train(tiny, output)
    with pytest.raises(RunError, match="a run directory must be local"):
        run.resume(output)


def test_second_process_on_one_directory_is_refused(tiny, tmp_path):
    from tfinspect.training import run_directory

    with (
        run_directory.locked(str(tmp_path / "run")),
        pytest.raises(RunError, match="another process is training into"),
    ):
        run.train(tiny, str(tmp_path / "run"))


def test_run_of_steps_with_average_in_bfloat16_ends_inside_an_epoch(tiny, tmp_path):
    config = dataclasses.replace(
        tiny, epochs=None, steps=3, ema_decay=0.5, precision="bfloat16", label_smoothing=0.1
    )
    result = run.train(config, str(tmp_path / "run"))
    assert result.step == 3
    stored = weights(result.directory)
    best = checkpoints.read(checkpoints.latest(os.path.join(result.directory, "best")))
    name = "resnet/conv1/weights"
    assert stored[name].dtype == np.float32
    assert (stored[name] != stored[f"{name}/ExponentialMovingAverage"]).any()
    prefix = os.path.join(result.directory, "checkpoints", f"model.ckpt-{result.best_step}")
    average = checkpoints.read(prefix)[f"{name}/ExponentialMovingAverage"]
    np.testing.assert_array_equal(best[name], average)


MIRRORED = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tfinspect.training import run
from tfinspect.training.config import TrainConfig
small = {"depth": 8, "width": 0.25, "batch_size": 512, "epochs": 2, "learning_rate": 0.02}
print(run.train(TrainConfig(**small, devices="all"), sys.argv[1]).step)
"""


def test_two_local_devices_train_together(tmp_path):
    command = [sys.executable, "-c", MIRRORED, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "4\n", done.stderr[-2000:]
