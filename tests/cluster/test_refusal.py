"""What one process refuses before all have met is told to the others, in threads over loopback."""

import functools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from processes import SECONDS
from together import in_threads

from tfinspect.cluster import refusal, rendezvous
from tfinspect.cluster.launch import free_ports
from tfinspect.cluster.listening import listening
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import RunError
from tfinspect.training import cluster_run, run
from tfinspect.training.config import TrainConfig


def clusters(count):
    hosts = tuple(f"localhost:{port}" for port in free_ports(count))
    return [ClusterConfig({"worker": hosts}, "worker", index) for index in range(count)]


# Nothing ends by its own time here: the test's is shorter.
LONG = 2.0 * SECONDS


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(refusal, "SECONDS", LONG)


@pytest.mark.parametrize("refusing", [0, 1, 2])
def test_refusal_of_one_ends_the_waiting_of_all(refusing):
    meetings = [rendezvous.Meeting(one, {}, LONG) for one in clusters(3)]
    functions = [functools.partial(rendezvous.meet, meeting) for meeting in meetings]
    functions[refusing] = lambda: refusal.tell(meetings[refusing], "it is full.")
    ended = in_threads(*functions)
    expected: list = [f"worker {refusing} cannot take part: it is full."] * 3
    expected[refusing] = None
    assert ended == expected


def test_those_who_refuse_together_wait_for_nobody():
    meetings = [rendezvous.Meeting(one, {}, LONG) for one in clusters(3)]
    assert (
        in_threads(*[functools.partial(refusal.tell, one, "no.") for one in meetings]) == [None] * 3
    )


def test_occupied_directory_of_the_chief_is_told_to_who_waits(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    chief, other = clusters(2)
    refused = []

    def train():
        part = cluster_run.Part(chief, str(tmp_path), LONG, run.Observer())
        with pytest.raises(RunError, match="already holds a run"):
            cluster_run.train(TrainConfig(), part)
        refused.append(True)

    ended = in_threads(train, lambda: rendezvous.meet(rendezvous.Meeting(other, {}, LONG)))
    assert refused == [True]
    assert ended[1].startswith(f"worker 0 cannot take part: '{tmp_path}' already holds a run; ")


def test_taken_port_is_told_to_who_waits():
    chief, other = clusters(2)
    with listening(other):
        part = cluster_run.Part(other, "x", LONG, run.Observer())

        def meets_nobody():
            with cluster_run.telling_refusal(part):
                cluster_run.meet(part, {})

        ended = in_threads(
            lambda: rendezvous.meet(rendezvous.Meeting(chief, {}, LONG)), meets_nobody
        )
    assert ended[0].startswith("worker 1 cannot take part: worker 1 cannot listen on ")
    assert "end the program that uses the port" in ended[1]


def test_error_of_an_evaluator_is_told_to_nobody(monkeypatch):
    monkeypatch.setattr(refusal, "tell", lambda *told: pytest.fail(f"{told}"))
    hosts = {"worker": ("localhost:1", "localhost:2")}
    said = []
    part = cluster_run.Part(
        ClusterConfig(hosts, "evaluator", 0), "x", LONG, run.Observer(on_phase=said.append)
    )
    with pytest.raises(RunError, match="gone"), cluster_run.telling_refusal(part):
        raise RunError("gone")
    assert said == []


def test_error_after_the_meeting_is_told_to_nobody(monkeypatch):
    monkeypatch.setattr(refusal, "tell", lambda *told: pytest.fail(f"{told}"))
    part = cluster_run.Part(clusters(2)[0], "x", LONG, run.Observer())
    part.meets.set()
    with pytest.raises(RunError, match="disk full"), cluster_run.telling_refusal(part):
        raise RunError("disk full")
