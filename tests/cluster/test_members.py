"""The chief and those that serve it, in threads over loopback."""

import os
import socket
import sys
import threading
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from processes import SECONDS, wait_until

from tfinspect.cluster import members, rendezvous, wire
from tfinspect.cluster.launch import free_ports
from tfinspect.cluster.members import End, Members, stay
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ClusterError, ConfigError
from tfinspect.training import cluster_run, run
from tfinspect.training.config import TrainConfig

FACTS = {"version of tensorflow": "2.21.0"}


@pytest.fixture
def clusters():
    """The same cluster as each of its three processes sees it."""
    chief, worker, server = (f"localhost:{port}" for port in free_ports(3))
    addresses = {"chief": (chief,), "worker": (worker,), "ps": (server,)}
    return {role: ClusterConfig(addresses, role, 0) for role in addresses}


class Staying(threading.Thread):
    """One process that serves, in a thread."""

    def __init__(self, cluster, timeout=SECONDS):
        super().__init__(daemon=True)
        self.cluster, self.timeout, self.asked, self.ended = cluster, timeout, False, None
        self.start()

    def run(self):
        try:
            self.ended = stay(self.cluster, self.timeout, lambda: self.asked)
        except ClusterError as error:
            self.ended = str(error)


@pytest.mark.parametrize("end", [End("done"), End("stopped", "by a signal"), End("failed", "why")])
def test_all_are_told_how_it_ended(clusters, end):
    with Members(clusters["chief"], FACTS) as chief:
        staying = [Staying(clusters["worker"]), Staying(clusters["ps"])]
        chief.wait(SECONDS)
        assert chief.lost() == []
        chief.end(end)
        for one in staying:
            one.join(SECONDS)
        assert [one.ended for one in staying] == [end, end]


def test_who_never_came_is_named(clusters):
    with Members(clusters["chief"], FACTS) as chief:
        one = Staying(clusters["worker"])
        wait_until(lambda: chief.lost() == ["ps 0"])
        with pytest.raises(ClusterError, match=r"^ps 0 \(localhost:\d+\) never came within 0.3 s"):
            chief.wait(0.3)
        chief.end(End("done"))
        one.join(SECONDS)


def test_process_that_dies_is_lost_and_may_come_back(clusters):
    address = rendezvous.split_address(clusters["chief"].address_of("chief 0"))
    with Members(clusters["chief"], FACTS) as chief:
        other = Staying(clusters["ps"])
        with socket.create_connection(address) as connection:
            wire.send(connection, {"name": "worker 0", "joins": True})
            chief.wait(SECONDS)
        wait_until(lambda: chief.lost() == ["worker 0"])
        assert chief.silent() == []
        back = Staying(clusters["worker"])
        wait_until(lambda: chief.lost() == [])
        chief.end(End("done"))
        for one in (other, back):
            one.join(SECONDS)
            assert not one.is_alive()


def test_process_that_says_nothing_is_lost_and_one_that_lives_is_not(clusters, monkeypatch):
    monkeypatch.setattr(members, "SILENCE_SECONDS", 5.0)
    monkeypatch.setattr(members, "ALIVE_SECONDS", 0.1)
    address = rendezvous.split_address(clusters["chief"].address_of("chief 0"))
    with Members(clusters["chief"], FACTS) as chief:
        # It came first: if it were not heard, it would count as silent first.
        lively = Staying(clusters["ps"])
        wait_until(lambda: chief.lost() == ["worker 0"])
        with socket.create_connection(address) as connection:
            wire.send(connection, {"name": "worker 0", "joins": True})
            chief.wait(SECONDS)
            # Its connection stays open.
            wait_until(lambda: "worker 0" in chief.silent())
            assert (chief.silent(), chief.lost()) == (["worker 0"], ["worker 0"])
        with socket.create_connection(address) as connection:
            wire.send(connection, {"name": "worker 0", "joins": True})
            wait_until(lambda: chief.lost() == [])
            assert chief.silent() == []
        chief.end(End("done"))
        lively.join(SECONDS)
        assert lively.ended == End("done")


def test_chief_that_says_nothing_is_named_by_those_that_serve(clusters, monkeypatch):
    monkeypatch.setattr(members, "SILENCE_SECONDS", 0.5)
    address = rendezvous.split_address(clusters["chief"].address_of("chief 0"))
    with socket.create_server(address) as chief:
        one = Staying(clusters["worker"])
        connection, _ = chief.accept()
        with connection:
            wire.send(connection, {"alive": True})
            one.join(SECONDS)
    assert one.ended.startswith("chief 0 was lost, and worker 0 has nobody to work for")


def test_socket_that_is_closed_before_the_chief_listens_is_no_loss(clusters):
    address = rendezvous.split_address(clusters["chief"].address_of("chief 0"))
    with socket.create_server(address) as meeting:
        one = Staying(clusters["worker"])
        other = Staying(clusters["ps"])
        # One is accepted and hung up on; the other is never accepted.
        meeting.accept()[0].close()
        time.sleep(0.1)
    with Members(clusters["chief"], FACTS) as chief:
        chief.wait(SECONDS)
        chief.end(End("done"))
        for staying in (one, other):
            staying.join(SECONDS)
            assert staying.ended == End("done")


def test_request_to_stop_reaches_the_chief(clusters):
    with Members(clusters["chief"], FACTS) as chief:
        one = Staying(clusters["worker"])
        wait_until(lambda: chief.lost() == ["ps 0"])
        assert not chief.stop_requested
        one.asked = True
        wait_until(lambda: chief.stop_requested)
        chief.end(End("stopped", "now"))
        one.join(SECONDS)


def test_chief_that_hangs_up_is_named_by_those_that_serve(clusters):
    with Members(clusters["chief"], FACTS) as chief:
        one = Staying(clusters["worker"])
        wait_until(lambda: chief.lost() == ["ps 0"])
    one.join(SECONDS)
    assert one.ended.startswith("chief 0 was lost, and worker 0 has nobody to work for")


def test_chief_that_never_comes_is_named(clusters):
    one = Staying(clusters["worker"], timeout=0.3)
    one.join(SECONDS)
    assert "chief 0 (localhost:" in one.ended
    assert "never came within 0.3 s" in one.ended


@pytest.mark.parametrize(
    ("facts", "words"), [(FACTS, None), ({"version of tensorflow": "2.20.0"}, "'2.20.0'")]
)
def test_process_that_was_started_again_meets_the_chief_if_it_agrees(clusters, facts, words):
    with Members(clusters["chief"], FACTS):
        meeting = rendezvous.Meeting(clusters["worker"], facts, SECONDS)
        if words is None:
            rendezvous.meet(meeting)
        else:
            with pytest.raises(ClusterError, match=words):
                rendezvous.meet(meeting)


@pytest.mark.parametrize("junk", [b"", b"GET / HTTP/1.1\r\n", b'{"joins": true}\n', b"[]\n"])
def test_strangers_change_nothing(clusters, junk, monkeypatch):
    monkeypatch.setattr(wire, "SILENCE_SECONDS", 0.1)
    address = rendezvous.split_address(clusters["chief"].address_of("chief 0"))
    with Members(clusters["chief"], FACTS) as chief:
        with socket.create_connection(address) as connection:
            connection.sendall(junk)
            connection.settimeout(SECONDS)
            assert connection.recv(1) == b""
        assert chief.lost() == ["worker 0", "ps 0"]
        assert not chief.stop_requested


def test_process_that_is_stopped_before_the_chief_comes_ends_at_once(clusters):
    with pytest.raises(KeyboardInterrupt):
        stay(clusters["worker"], SECONDS, lambda: True)


def test_gradient_summaries_are_refused_with_parameter_servers(clusters, tmp_path):
    config = TrainConfig(summarize_gradients=True)
    part = cluster_run.Part(clusters["chief"], str(tmp_path / "run"), 1.0, run.Observer())
    with pytest.raises(ConfigError, match="--summarize works"):
        cluster_run.train(config, part)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("silent", [[], ["worker 0"]])
def test_long_step_ends_a_run_only_when_a_worker_is_silent(silent):
    from tfinspect.training import parameter_servers

    addresses = {"chief": ("a:1",), "worker": ("b:1", "c:1"), "ps": ("d:1",)}
    fleet = parameter_servers.Fleet.__new__(parameter_servers.Fleet)
    fleet.cluster = ClusterConfig(addresses, "chief", 0)
    fleet.members = SimpleNamespace(lost=lambda: ["worker 0"], silent=lambda: silent)
    fleet._lost, fleet._on_phase = {"worker 0"}, lambda text: None
    fleet.check(parameter_servers.STUCK_SECONDS / 2)
    ends = pytest.raises(parameter_servers.LostError) if silent else nullcontext()
    with ends:
        fleet.check(parameter_servers.STUCK_SECONDS * 100)
