"""Several real processes train one network over loopback."""

import csv
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_data

sys.path.insert(0, os.path.dirname(__file__))
from processes import configurations, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
EXAMPLES, BATCH, STEPS = 141, 24, 20
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", str(BATCH), "--augment", "none")
# Steps of one batch of 24 end with 21: two processes have 11 and 10 of them.
PROGRAM = """
import contextlib, json, sys
from tfinspect.cluster import tf_config
from tfinspect.nets import slim_model
from tfinspect.training import callbacks, cluster_run, run
from tfinspect.training.config import config_from
slim_model.SlimModel.batch_norm_is_frozen = lambda self, scope: True
losses = []
usual = callbacks.EpochMeans.update
def update(self, logs):
    losses.append(logs["loss"] * (self.now.steps + 1) - self.now.loss * self.now.steps)
    usual(self, logs)
callbacks.EpochMeans.update = update
config = config_from(json.loads(sys.argv[1]), "test")
part = cluster_run.Part(tf_config.from_environment(), sys.argv[2], 60.0, run.Observer())
with contextlib.suppress(BrokenPipeError):
    cluster_run.train(config, part)
    print(json.dumps(losses))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("records"))
    counts = {"train": EXAMPLES, "validation": 30, "test": 30}
    records = {
        split: tiny_data.raw_records(*tiny_data.images(count, seed))
        for seed, (split, count) in enumerate(counts.items())
    }
    tiny_data.write_data(directory, records)
    return directory


def losses_of(count, data, output):
    config = {"data": data, "depth": 8, "width": 0.25, "batch_size": BATCH, "steps": STEPS}
    text = json.dumps(config | {"augment": "none", "learning_rate": 0.05})
    program = ("-c", PROGRAM)
    started = [start(one, text, output, program=program) for one in configurations(count)]
    said = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * count, said
    return [json.loads(text.splitlines()[-1]) for text in said]


@pytest.fixture(scope="module")
def alone_and_together(data, tmp_path_factory):
    """One process with the whole batch, and two with half of it each."""
    runs = tmp_path_factory.mktemp("runs")
    return {
        count: (losses_of(count, data, f"{runs}/{count}"), f"{runs}/{count}") for count in (1, 2)
    }


def test_two_processes_have_the_losses_of_one_with_uneven_last_batches(alone_and_together):
    [alone], _ = alone_and_together[1]
    first, second = alone_and_together[2][0]
    assert len(alone) == STEPS
    assert first == second
    # A wrong gradient of an uneven step would show in all losses after it.
    # The mean of an epoch so far counts fillers of its last step; all others are the steps' own.
    full = [step for step in range(STEPS) if (step + 1) % 6]
    np.testing.assert_allclose(np.array(first)[full], np.array(alone)[full], atol=1e-5)


def test_two_processes_validate_every_example_once(alone_and_together):
    rows = {}
    for count, (_, output) in alone_and_together.items():
        with open(os.path.join(output, "metrics.csv"), encoding="utf-8") as stream:
            rows[count] = list(csv.DictReader(stream))
    for alone, together in zip(rows[1], rows[2], strict=True):
        assert together["validation_accuracy"] == alone["validation_accuracy"]
        loss = float(alone["validation_loss"])
        assert float(together["validation_loss"]) == pytest.approx(loss, abs=1e-5)


def _wait_for(path, processes):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, "nothing was written"
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)


def test_killed_worker_ends_the_job_with_its_name_and_the_job_goes_on_from_the_backup(
    data, tmp_path
):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "400")
    processes = [start(text, *arguments) for text in configurations(2)]
    state = output / "backup" / "state.json"
    _wait_for(state, processes)
    processes[1].send_signal(signal.SIGKILL)
    said, _ = processes[0].communicate(timeout=90)
    processes[1].communicate()
    assert processes[0].returncode == 2, said
    assert "worker 1 was lost after step" in said
    assert f"`tfinspect train --resume --output {output}`" in said
    backup = json.loads(Path(state).read_text())
    # A backup after every epoch: of six steps at most is anything computed again.
    assert backup["step"] % 6 == 0

    again = [start(t, "train", "--resume", "--output", str(output)) for t in configurations(2)]
    _, before = backup["step"], len(backup["records"])
    deadline = time.monotonic() + 120
    while len(json.loads(state.read_text())["records"]) < before + 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    again[1].terminate()
    told = [process.communicate(timeout=90)[0] for process in again]
    assert [process.returncode for process in again] == [130, 130], told
    records = json.loads(state.read_text())["records"]
    assert [record["step"] for record in records] == [6 * (n + 1) for n in range(len(records))]
    assert "stopped after step" in told[0]
