"""Clocks that jump: which checkpoint is the newest is told by its step, never by a time."""

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
from fault_processes import (
    TINY,
    Fault,
    assert_same_weights,
    finish,
    resume_arguments,
    start,
    start_function,
    train_arguments,
    weights,
)

import tfinspect
from tfinspect.training import checkpoints, run
from tfinspect.training.config import config_from

# Changes of files up to the backup of the second epoch.
SECOND_BACKUP = 52


def scatter_times(directory):
    """Gives every file a time between 1970 and 2100, so that their order says nothing."""
    chance = random.Random(1)
    for path in Path(directory).rglob("*"):
        seconds = chance.uniform(0, 4.1e9)
        os.utime(path, (seconds, seconds))


def test_newest_checkpoint_is_that_of_the_highest_step_whatever_the_times(tmp_path):
    place = tmp_path / "checkpoints"
    for number, step in enumerate((9, 100, 20)):
        checkpoints.save(str(place / f"model.ckpt-{step}"), {"step": np.int64(step)})
        for path in place.glob(f"*-{step}.*"):
            os.utime(path, (4e9 * number, 4e9 * number))
    checkpoints.keep_newest(str(place), 2)
    assert checkpoints.latest(str(place)).endswith("model.ckpt-100")
    assert tfinspect.open_artifact(str(place)).read("step") == 100
    assert [prefix.rpartition("-")[2] for prefix in checkpoints.stored(str(place))] == ["20", "100"]


def train_backwards(output, settings):
    """Trains while the system's clock runs backwards, an hour each time it is read."""
    now = [time.time()]

    def earlier():
        now[0] -= 3600
        return now[0]

    time.time = earlier
    run.train(config_from(settings, "test"), output)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_run_whose_clock_jumped_goes_on_bit_for_bit(uninterrupted, tmp_path):
    output, log = str(tmp_path / "run"), tmp_path / "log"
    finish(start(train_arguments(output), log, Fault(output, SECOND_BACKUP)))
    scatter_times(output)
    assert finish(start(resume_arguments(output), log)) == 0, log.read_text()[-2000:]
    assert_same_weights(weights(output), uninterrupted.weights)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_clock_that_runs_backwards_changes_no_weight(uninterrupted, tmp_path):
    output, log = str(tmp_path / "run"), tmp_path / "log"
    process = start_function(train_backwards, output, TINY, log=log)
    assert finish(process) == 0, log.read_text()[-2000:]
    assert_same_weights(weights(output), uninterrupted.weights)
