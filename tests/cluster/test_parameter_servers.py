"""A chief, workers, a parameter server and an evaluator train as real processes over loopback."""

import csv
import json
import os
import signal
import sys
from collections import Counter

import numpy as np
import pytest
from tiny_data import numbered_data

from tfinspect.artifacts import open_artifact

sys.path.insert(0, os.path.dirname(__file__))
from processes import MARKS, roles, said_by, start, wait_until

pytestmark = MARKS
EXAMPLES, BATCH = 141, 24
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", str(BATCH), "--augment", "none")
# The chief builds what the workers run: there, every image that a step reads is counted by the
# number in its first pixel.
PROGRAM = """
import json, sys
import tensorflow as tf
from tfinspect.cluster import tf_config
from tfinspect.data import by_number
from tfinspect.training import async_loop, cluster_run, run, team
from tfinspect.training.config import config_from
counts, seen, holding = [], [], set()
usual_steps, usual_source = async_loop.step_function, by_number.source_of
def step_function(trainer, batch):
    with trainer.strategy.scope():
        counts.append(tf.Variable(tf.zeros([141], tf.int64), trainable=False))
    holding.update(v.device.split("/device")[0] for v in trainer.model.variables)
    return usual_steps(trainer, batch)
class Counting:
    def __init__(self, source):
        self.source, self.words = source, source.words
        self.held, self.named = source.held, source.named
    def read(self, iterator, *named):
        images, labels = self.source.read(iterator, *named)
        numbers = tf.cast(images[:, 0, 0, 0], tf.int32)
        counts[0].scatter_add(tf.IndexedSlices(tf.ones_like(numbers, tf.int64), numbers))
        return images, labels
async_loop.step_function = step_function
by_number.source_of = lambda batches: Counting(usual_source(batches))
config = config_from(json.loads(sys.argv[1]), "test")
observer = run.Observer(on_epoch=lambda record, total: seen.append(counts[0].numpy().tolist()))
part = cluster_run.Part(tf_config.from_environment(), sys.argv[2], 180.0, observer)
cluster_run.train(config, part)
print(json.dumps([seen, sorted(holding)]), flush=True)
team.leave(0)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return numbered_data(str(tmp_path_factory.mktemp("records")), EXAMPLES)


def started(configurations, *arguments, **more):
    return {name: start(text, *arguments, **more) for name, text in configurations.items()}


def ended(processes):
    """Waits for all; returns what each has written."""
    said = dict(zip(processes, said_by(processes.values()), strict=True))
    return said, {name: process.returncode for name, process in processes.items()}


def state(output):
    path = output / "backup" / "state.json"
    return json.loads(path.read_text()) if path.exists() else {"records": [], "step": 0}


def test_every_example_is_seen_once_in_every_epoch_and_the_evaluator_measures_all(data, tmp_path):
    output = tmp_path / "run"
    config = {"data": data, "depth": 8, "width": 0.25, "batch_size": BATCH, "epochs": 3}
    text = json.dumps(config | {"augment": "none", "keep_checkpoints": 10, "ema_decay": 0.9})
    configurations = roles(2, parameter_servers=2, evaluator=True)
    said, statuses = ended(started(configurations, text, str(output), program=("-c", PROGRAM)))
    assert set(statuses.values()) == {0}, said
    seen, holding = json.loads(said["chief 0"].splitlines()[-1])
    # Both parameter servers hold variables.
    assert holding == ["/job:ps/replica:0/task:0", "/job:ps/replica:0/task:1"]
    assert [Counter(counts) for counts in seen] == [{n: EXAMPLES} for n in (1, 2, 3)]

    metrics = list(csv.DictReader((output / "metrics.csv").read_text().splitlines()))
    assert [row["step"] for row in metrics] == ["6", "12", "18"]
    measured = list(csv.DictReader((output / "evaluator/metrics.csv").read_text().splitlines()))
    assert [row["step"] for row in measured] == ["6", "12", "18"]
    for row, own in zip(metrics, measured, strict=True):
        assert own["examples"] == "30"
        assert float(own["accuracy"]) == pytest.approx(float(row["validation_accuracy"]), abs=1e-5)
    assert list((output / "events" / "evaluator").iterdir())
    assert json.loads((output / "result.json").read_text())["step"] == 18
    stored = open_artifact(str(output / "checkpoints" / "model.ckpt-18"))
    assert int(stored.read("global_step")) == 18
    assert np.abs(stored.read("resnet/conv1/weights/Momentum")).max() > 0


def test_killed_worker_is_replaced_and_a_signal_stops_all_with_a_backup(data, tmp_path):
    output = tmp_path / "run"
    configurations = roles(2, parameter_servers=1)
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    arguments += ("--summarize", "conv1/Relu", "--summarize-every", "50")
    processes = started(configurations, *arguments)
    log = output / "log.txt"
    wait_until(lambda: state(output)["records"], processes.values())
    processes["worker 1"].send_signal(signal.SIGKILL)
    lost = processes.pop("worker 1")
    words = "worker 1 was lost; the others compute its steps"
    wait_until(lambda: words in log.read_text(), processes.values())
    before = len(state(output)["records"])
    wait_until(lambda: len(state(output)["records"]) > before + 1, processes.values())
    lost.communicate()
    processes["worker 1"] = start(configurations["worker 1"], *arguments)
    wait_until(lambda: "worker 1 is back" in log.read_text(), processes.values())

    processes["worker 0"].terminate()
    said, statuses = ended(processes)
    assert set(statuses.values()) == {130}, said
    left = state(output)
    assert f"stopped after step {left['step']}, with a checkpoint" in said["ps 0"]
    assert int(open_artifact(str(output / left["checkpoint"])).read("global_step")) == left["step"]
    assert list((output / "events" / "summaries").iterdir())


def test_lost_parameter_server_ends_all_with_its_name_and_the_backup(data, tmp_path):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    processes = started(roles(2, parameter_servers=2), *arguments)
    wait_until(lambda: state(output)["records"], processes.values())
    processes["ps 1"].send_signal(signal.SIGKILL)
    said, statuses = ended(processes)
    assert statuses.pop("ps 1") == -signal.SIGKILL, said
    assert set(statuses.values()) == {2}, said
    kept = os.path.basename(state(output)["checkpoint"])
    for name in statuses:
        assert "ps 1 was lost after step" in said[name]
        assert f"The last backup is {kept}" in said[name]
        assert f"`tfinspect train --resume --output {output}`" in said[name]


def test_lost_chief_ends_all_with_its_name_and_the_run_goes_on_from_the_backup(data, tmp_path):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    processes = started(roles(1, parameter_servers=1), *arguments)
    wait_until(lambda: state(output)["records"], processes.values())
    processes["chief 0"].send_signal(signal.SIGKILL)
    said, statuses = ended(processes)
    assert statuses == {"chief 0": -9, "worker 0": 2, "ps 0": 2}, said
    for name in ("worker 0", "ps 0"):
        assert f"chief 0 was lost, and {name} has nobody to work for" in said[name]
        assert "The last backup is model.ckpt-" in said[name]
        assert f"`tfinspect train --resume --output {output}`" in said[name]

    before = len(state(output)["records"])
    again = started(roles(1, parameter_servers=1), "train", "--resume", "--output", str(output))
    wait_until(lambda: len(state(output)["records"]) > before, again.values())
    again["chief 0"].terminate()
    said, statuses = ended(again)
    assert set(statuses.values()) == {130}, said
    records = state(output)["records"]
    assert [record["step"] for record in records] == [6 * (n + 1) for n in range(len(records))]
