"""SIGKILL at any moment: the run goes on from its last backup as if nothing had been."""

import os
import random
import signal

import pytest
from checkpoint_watch import watching
from fault_processes import (
    Fault,
    assert_same_weights,
    finish,
    resume_arguments,
    start,
    train_arguments,
    weights,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = 20
# Changes of files in a whole run: a kill may come before, between and after all of them.
CHANGES = 90


def next_arguments(output):
    """What a user types after a kill: `--resume`, unless there is nothing to go on with yet."""
    described = os.path.exists(os.path.join(output, "config.json"))
    return resume_arguments(output) if described else train_arguments(output)


def test_killed_twenty_times_the_weights_are_those_of_an_uninterrupted_run(uninterrupted, tmp_path):
    chance = random.Random(6)
    kills = runs = 0
    with watching(tmp_path) as watch:
        while kills < KILLS or runs == 0:
            output, log = str(tmp_path / str(runs)), tmp_path / f"{runs}.log"
            if kills == KILLS:
                process = start(next_arguments(output), log)
            elif chance.random() < 0.5:
                fault = Fault(output, chance.randrange(1, CHANGES))
                process = start(next_arguments(output), log, fault)
            else:
                process = start(next_arguments(output), log)
                if finish(process, chance.uniform(0, uninterrupted.seconds)) is None:
                    process.kill()
            if finish(process) == -signal.SIGKILL:
                kills += 1
                continue
            assert process.exitcode == 0, log.read_text()[-2000:]
            assert_same_weights(weights(output), uninterrupted.weights)
            runs += 1
    assert watch.halves == []
    assert watch.whole > KILLS
