"""Two devices of one host do what one does; logical CPUs stand for GPUs."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tiny_data

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
STEPS = 20
# Logical devices must be set before TensorFlow starts: a process of its own.
PROGRAM = """
import dataclasses, json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tfinspect.training import callbacks, run, trainer
from tfinspect.training.config import config_from

run.export_and_measure, run.finish = lambda *args: (None, None), lambda *args: None
usual = callbacks.EpochMeans.update
found = []

def update(self, logs):
    found[-1]["losses"].append(float(logs["loss"]))
    usual(self, logs)

def on_epoch(record, total):
    found[-1]["records"].append(dataclasses.asdict(record))

callbacks.EpochMeans.update = update
for number, (frozen, settings) in enumerate(json.loads(sys.argv[1])):
    found.append({"losses": [], "records": []})
    trainer.TrainedModel.batch_norm_is_frozen = lambda self, scope: frozen
    observer = run.Observer(on_epoch=on_epoch)
    run.train(config_from(settings, "test"), f"{sys.argv[2]}/{number}", observer=observer)
print(json.dumps(found))
"""
KINDS = {"frozen": {"frozen": True}, "synchronized": {"sync_batch_norm": True}, "own": {}}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """(kind of batch norm, devices) -> losses of the steps and records of the epochs."""
    data = str(tmp_path_factory.mktemp("records"))
    records = {
        split: tiny_data.raw_records(*tiny_data.images(count, seed))
        for seed, (split, count) in enumerate({"train": 144, "validation": 30, "test": 30}.items())
    }
    tiny_data.write_data(data, records)
    settings = {"data": data, "depth": 8, "width": 0.25, "batch_size": 24, "steps": STEPS}
    settings |= {"augment": "none", "learning_rate": 0.01}
    asked, wanted = [], []
    for kind, more in KINDS.items():
        for devices in ("one", "all"):
            own = {key: value for key, value in more.items() if key != "frozen"}
            asked.append((kind, devices))
            wanted.append((more.get("frozen", False), settings | own | {"devices": devices}))
    command = [sys.executable, "-c", PROGRAM, json.dumps(wanted), str(tmp_path_factory.mktemp("r"))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(zip(asked, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("kind", ["frozen", "synchronized"])
def test_two_devices_have_the_losses_of_one(found, kind):
    one, two = found[kind, "one"]["losses"], found[kind, "all"]["losses"]
    assert len(one) == STEPS
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)


def test_devices_with_statistics_of_their_own_have_other_losses(found):
    one, two = found["own", "one"]["losses"], found["own", "all"]["losses"]
    assert np.abs(np.subtract(two, one)).max() > 1e-4


@pytest.mark.parametrize("kind", ["frozen", "synchronized"])
def test_metrics_of_two_devices_are_those_of_one_not_twice_as_much(found, kind):
    pairs = zip(found[kind, "one"]["records"], found[kind, "all"]["records"], strict=True)
    for one, two in pairs:
        for name in ("accuracy", "validation_accuracy"):
            assert two[name] == one[name]
        for name in ("loss", "validation_loss"):
            assert two[name] == pytest.approx(one[name], abs=1e-5)
