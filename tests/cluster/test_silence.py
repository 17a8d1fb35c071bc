"""Processes that are stopped, not killed: no connection breaks, and nothing comes from them."""

import json
import os
import signal
import sys

import pytest
from tiny_data import numbered_data

sys.path.insert(0, os.path.dirname(__file__))
from processes import MARKS, configurations, roles, said_by, start, wait_until

pytestmark = MARKS
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", "24", "--augment", "none")
# Silence is noticed sooner than by default, and late enough for a busy machine.
HASTY = """
import sys
from tfinspect.cluster import members
from tfinspect.training import parameter_servers, silence
from tfinspect_cli.main import main
silence.PAUSE_SECONDS, silence.ANSWER_SECONDS = 0.2, 4.0
members.ALIVE_SECONDS, members.SILENCE_SECONDS = 1.0, 45.0
parameter_servers.STUCK_SECONDS = 10.0
sys.argv = ["tfinspect", *sys.argv[1:]]
main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return numbered_data(str(tmp_path_factory.mktemp("records")), 141)


def records(output):
    state = output / "backup" / "state.json"
    return json.loads(state.read_text())["records"] if state.exists() else []


@pytest.mark.parametrize("stopped", [0, 1])
def test_stopped_process_ends_the_job_with_its_name(data, tmp_path, stopped):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    processes = [start(t, *arguments, program=("-c", HASTY)) for t in configurations(2)]
    wait_until(lambda: records(output), processes)
    processes[stopped].send_signal(signal.SIGSTOP)
    [said] = said_by([processes[1 - stopped]], 2)
    assert f"worker {stopped} was lost after step" in said
    assert f"`tfinspect train --resume --output {output}`" in said


def test_stopped_process_is_waited_for_and_takes_part_when_it_goes_on(data, tmp_path):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    arguments += ("--on-lost", "wait", "--cluster-timeout", "180")
    processes = [start(t, *arguments, program=("-c", HASTY)) for t in configurations(2)]
    wait_until(lambda: records(output), processes)
    processes[1].send_signal(signal.SIGSTOP)
    log = output / "log.txt"
    wait_until(lambda: "worker 1 was lost after step" in log.read_text(), processes)
    processes[1].send_signal(signal.SIGCONT)
    before = len(records(output))
    wait_until(lambda: len(records(output)) > before + 2, processes)
    processes[0].terminate()
    said = said_by(processes, 130)
    assert "begins again now, and waits for it" in said[0]
    steps = [record["step"] for record in records(output)]
    assert steps == [6 * (n + 1) for n in range(len(steps))]


@pytest.mark.parametrize("stopped", ["worker 1", "ps 1", "chief 0"])
def test_stopped_process_of_an_asynchronous_cluster_ends_it_with_its_name(data, tmp_path, stopped):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    configured = roles(2, parameter_servers=2)
    processes = {n: start(t, *arguments, program=("-c", HASTY)) for n, t in configured.items()}
    wait_until(lambda: records(output), processes.values())
    processes.pop(stopped).send_signal(signal.SIGSTOP)
    said = dict(zip(processes, said_by(processes.values(), 2), strict=True))
    for text in said.values():
        assert f"{stopped} was lost" in text
    if stopped != "chief 0":
        state = json.loads((output / "backup" / "state.json").read_text())
        assert f"The last backup is {os.path.basename(state['checkpoint'])}" in said["chief 0"]
