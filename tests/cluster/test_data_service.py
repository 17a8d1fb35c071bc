"""A tf.data service of real processes makes the batches of real processes that train."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tiny_data import numbered_data
from transfer_images import NETWORK, SIZE, write_images

from tfinspect.cluster.launch import free_ports
from tfinspect.data.service_address import data_workers, host_and_port
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.transfer.finetune import finetune
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.tuning_request import TuningRequest

sys.path.insert(0, os.path.dirname(__file__))
from lost_runs import PROGRAM, noted
from processes import MARKS, SECONDS, configurations, roles, said_by, start, wait_until

pytestmark = MARKS
EXAMPLES, BATCH, EPOCHS = 141, 24, 30
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", str(BATCH))
# Asks for its own end within an epoch, which has five steps.
STOPS = """
import os, signal, sys
from tfinspect.training import callbacks
from tfinspect_cli.main import main
usual = callbacks.EpochMeans.update
def update(self, logs):
    usual(self, logs)
    if self.progress.step == 18:
        os.kill(os.getpid(), signal.SIGTERM)
callbacks.EpochMeans.update = update
sys.argv = ["tfinspect", *sys.argv[1:]]
main()
"""


@contextmanager
def a_service(workers, *more):
    """Yields the process and its address, as it prints it."""
    arguments = ("cluster", "data-service", "--workers", str(workers), "--cluster-timeout", "180")
    process = start("", *arguments, *more, errors=subprocess.DEVNULL)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def children(process):
    """Returns the ids of a process's own: the dispatcher, then the data workers."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in path.read_text().split()]


@pytest.fixture(scope="module")
def service():
    with a_service(2) as (_, address):
        yield address


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return numbered_data(str(tmp_path_factory.mktemp("records")), EXAMPLES)


def train(data, output, *more, program=("-m", "tfinspect_cli")):
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), *more)
    return start("", *arguments, program=program)


def ended(process, status=0):
    return said_by([process], status)[0]


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    """The final variables and slots of a run that makes its own batches."""
    output = tmp_path_factory.mktemp("runs") / "alone"
    ended(train(data, output, "--epochs", str(EPOCHS)))
    return checkpoints.read(checkpoints.latest(str(output / "checkpoints")))


def require_equal(output, expected):
    found = checkpoints.read(checkpoints.latest(str(output / "checkpoints")))
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_processes_that_train_together_see_every_example_of_an_epoch_once(
    service, data, tmp_path, monkeypatch
):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(tmp_path / "run"))
    arguments += ("--augment", "none", "--epochs", "2", "--data-service", service)
    processes = [start(t, *arguments, program=("-c", PROGRAM)) for t in configurations(2)]
    said = [ended(process) for process in processes]
    assert f"made by the tf.data service at '{service}', with 2 data workers" in said[1]
    lines = [dict(noted(tmp_path / f"notes-worker-{number}")) for number in (0, 1)]
    for epoch in range(2):
        steps = range(epoch * 6 + 1, epoch * 6 + 7)
        examples = [number for own in lines for step in steps for number in own[step]]
        assert sorted(examples) == list(range(EXAMPLES))


def test_weights_are_those_of_a_run_without_it_though_a_data_worker_is_killed(
    data, tmp_path, alone
):
    with a_service(2) as (process, address):
        running = train(data, tmp_path / "run", "--epochs", str(EPOCHS), "--data-service", address)
        state = tmp_path / "run" / "backup" / "state.json"
        wait_until(state.exists, [running])
        os.kill(children(process)[2], signal.SIGKILL)
        # Otherwise it would not have been missed.
        assert len(json.loads(state.read_text())["records"]) < EPOCHS
        assert running.poll() is None
        ended(running)
        assert process.poll() is None
    require_equal(tmp_path / "run", alone)


def test_run_stopped_within_an_epoch_goes_on_with_another_service(data, tmp_path, alone):
    output = tmp_path / "run"
    with a_service(1) as (_, first):
        more = ("--epochs", str(EPOCHS), "--data-service", first)
        said = ended(train(data, output, *more, program=("-c", STOPS)), 130)
    assert "topped after step 18" in said
    resume = ("train", "--resume", "--output", str(output))
    assert f"no tf.data service answers at '{first}'" in ended(start("", *resume), 2)
    with a_service(1) as (_, second):
        ended(start("", *resume, "--data-service", second))
    require_equal(output, alone)


def test_lost_service_ends_the_run_with_its_address_and_the_backup_stays(data, tmp_path):
    output = tmp_path / "run"
    with a_service(1) as (process, address):
        running = train(data, output, "--epochs", "4000", "--data-service", address)
        state = output / "backup" / "state.json"
        wait_until(state.exists, [running])
        # The dispatcher is killed, and takes its data worker with it.
        os.kill(children(process)[0], signal.SIGKILL)
        said = ended(running, 2)
        assert process.wait(timeout=SECONDS) == 128 + signal.SIGKILL
    assert f"Error: no tf.data service answers at '{address}'" in said
    kept = json.loads(state.read_text())["checkpoint"]
    assert f"The last backup is {os.path.basename(kept)}. Start every process again with " in said
    assert f"`tfinspect train --resume --output {output}`." in said


def test_addresses_without_a_service_are_refused_and_nothing_is_written(data, tmp_path):
    [free] = free_ports(1)
    for address, words in (
        (f"grpc://localhost:{free}", f"no tf.data service answers at 'grpc://localhost:{free}'"),
        (f"http://localhost:{free}", "is no address of a tf.data service; write grpc://HOST:PORT"),
    ):
        said = ended(train(data, tmp_path / "run", "--data-service", address), 2)
        assert said.startswith("Error: ")
        assert words in said
        assert len(said.splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_parameter_servers_are_refused(service, data, tmp_path):
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(tmp_path / "run"))
    text = roles(1, parameter_servers=1)["chief 0"]
    said = ended(start(text, *arguments, "--data-service", service), 2)
    assert "data_service is not possible with parameter servers" in said


def test_run_without_a_service_does_not_take_one_later(service, data, tmp_path):
    output = tmp_path / "run"
    ended(train(data, output, "--epochs", "4", program=("-c", STOPS)), 130)
    resume = ("train", "--resume", "--output", str(output), "--data-service", service)
    assert "the run was begun without a tf.data service" in ended(start("", *resume), 2)


def test_fine_tuning_has_the_weights_of_one_without_it(service, tmp_path):
    network = SlimModel(get_spec(NETWORK, width=0.25), 10, seed=0)
    checkpoints.save(str(tmp_path / "model.ckpt"), network.variables_by_name())
    write_images(tmp_path / "photos", dict.fromkeys("abc", 20))
    found = []
    for name, address in (("alone", None), ("served", service)):
        config = FineTuneConfig(
            data=str(tmp_path / "photos"),
            net=NETWORK,
            width=0.25,
            image_size=(SIZE, SIZE),
            batch_size=8,
            head_epochs=1,
            tune_epochs=2,
            random_features=False,
            data_service=address,
        )
        finetune(TuningRequest(str(tmp_path / "model.ckpt")), config, str(tmp_path / name))
        found.append(checkpoints.read(checkpoints.latest(str(tmp_path / name / "checkpoints"))))
    require_equal(tmp_path / "served", found[0])
    before = network.variables_by_name()["resnet/conv1/weights"].numpy()
    assert not np.array_equal(found[0]["resnet/conv1/weights"], before)


def test_joining_a_service_that_never_comes_is_an_error():
    [free] = free_ports(1)
    arguments = ("--dispatcher", f"localhost:{free}", "--cluster-timeout", "0.5")
    said = ended(start("", "cluster", "data-service", *arguments), 2)
    assert f"Error: no tf.data service answers at 'grpc://localhost:{free}'" in said


def test_another_machine_joins_a_service():
    with a_service(1) as (_, service):
        with a_service(1, "--dispatcher", host_and_port(service)) as (_, address):
            assert address == service
            assert data_workers(service) == 2
