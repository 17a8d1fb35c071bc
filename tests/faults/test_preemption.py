"""SIGTERM, as schedulers send before they take a machine away; and a second process on one run."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from fault_processes import (
    Fault,
    assert_same_weights,
    finish,
    resume_arguments,
    start,
    train_arguments,
    wait_for,
    weights,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
INTERRUPTED = 130


def state(output):
    path = Path(output, "backup", "state.json")
    return json.loads(path.read_text()) if path.exists() else {"step": 0}


def test_sigterm_leaves_a_checkpoint_within_ten_seconds_and_the_run_goes_on(
    uninterrupted, tmp_path
):
    output, log = str(tmp_path / "run"), tmp_path / "log"
    process = start(train_arguments(output), log)
    # The first epoch's weights are written: validation, backup or the next epoch is going on.
    assert wait_for(Path(output, "best", "checkpoint").exists, process)
    before = time.monotonic()
    process.terminate()
    assert finish(process, 60) == INTERRUPTED, log.read_text()[-2000:]
    assert time.monotonic() - before < 10
    step = state(output)["step"]
    assert f"Stopped after step {step}, with a checkpoint" in log.read_text()
    assert weights(output)["global_step"] == step >= 2
    assert finish(start(resume_arguments(output), log)) == 0
    assert_same_weights(weights(output), uninterrupted.weights)


def test_second_process_on_one_run_directory_is_refused(tmp_path):
    output, log = str(tmp_path / "run"), tmp_path / "log"
    first = start(train_arguments(output), log)
    assert wait_for(Path(output, "config.json").exists, first)
    os.kill(first.pid, signal.SIGSTOP)
    seen = {path: path.read_bytes() for path in Path(output).rglob("*") if path.is_file()}
    try:
        refusals = {
            "resume": (resume_arguments(output), "another process is training into"),
            "train": (train_arguments(output), "already holds a run"),
        }
        for name, (arguments, words) in refusals.items():
            second = tmp_path / name
            assert finish(start(arguments, second)) == 2
            assert words in second.read_text()
        assert {path: path.read_bytes() for path in seen} == seen
    finally:
        first.kill()
        finish(first)


@pytest.mark.parametrize("number", [2, 4])
def test_killed_before_its_description_a_run_is_begun_anew(uninterrupted, tmp_path, number):
    output, log = str(tmp_path / "run"), tmp_path / "log"
    killed = start(train_arguments(output), log, Fault(output, number))
    assert finish(killed) == -signal.SIGKILL
    assert not Path(output, "config.json").exists()
    assert finish(start(train_arguments(output), log)) == 0, log.read_text()[-2000:]
    assert_same_weights(weights(output), uninterrupted.weights)
