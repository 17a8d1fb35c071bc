"""Processes meet over loopback, in threads; what is wrong is said to all of them."""

import contextlib
import functools
import json
import os
import re
import socket
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from processes import SECONDS
from together import in_threads

from tfinspect.cluster import listening, rendezvous, wire
from tfinspect.cluster.facts import brief, common_facts, difference
from tfinspect.cluster.launch import free_ports
from tfinspect.cluster.members import Members
from tfinspect.cluster.tf_config import ClusterConfig

FACTS = {"version of tensorflow": "2.21.0"}


def cluster(ports, index):
    return ClusterConfig({"worker": tuple(f"localhost:{port}" for port in ports)}, "worker", index)


def outcomes(meetings):
    """Runs all meetings together; returns what each ended with: None or the error's text."""
    return in_threads(*[functools.partial(rendezvous.meet, meeting) for meeting in meetings])


def meetings(count, facts=None, timeout=SECONDS):
    ports = free_ports(count)
    facts = facts or [FACTS] * count
    return [
        rendezvous.Meeting(cluster(ports, index), facts[index], timeout) for index in range(count)
    ]


def test_processes_that_agree_meet():
    assert outcomes(meetings(3)) == [None, None, None]


def test_one_process_alone_waits_for_nobody():
    assert outcomes(meetings(1)) == [None]


def test_difference_is_said_to_all():
    ended = outcomes(meetings(2, [FACTS, {"version of tensorflow": "2.20.0"}]))
    assert ended[0] == ended[1]
    assert "worker 1 has the version of tensorflow '2.20.0' and worker 0 has '2.21.0'" in ended[0]


def test_missing_worker_is_named_with_its_address_to_those_who_wait():
    # Both that are there must have come in this time.
    three = meetings(3, timeout=4.0)
    ended = outcomes(three[:2])
    address = three[0].cluster.address_of("worker 2")
    for text in ended:
        assert f"worker 2 ({address}) never came within 4 s" in text


def test_missing_first_worker_is_named():
    _, second = meetings(2, timeout=0.4)
    [text] = outcomes([second])
    assert "worker 0 (localhost:" in text
    assert "never came within 0.4 s" in text


def test_who_is_missing_is_told_while_waiting():
    told = []
    first = meetings(2, timeout=0.4)[0]
    outcomes([rendezvous.Meeting(first.cluster, FACTS, 0.4, told.append)])
    assert told == [["worker 1"]]


def test_two_processes_of_one_task_are_refused():
    first, second = meetings(2)
    three = rendezvous.Meeting(
        ClusterConfig({"worker": (*first.cluster.addresses["worker"], "localhost:1")}, "worker", 0),
        FACTS,
        SECONDS,
    )
    with TwoOfOneName(second.cluster) as talk:
        [text] = outcomes([three])
        assert "two processes call themselves worker 1" in text
        assert talk


class TwoOfOneName:
    """Two connections that both say they are the same worker, as soon as somebody listens."""

    def __init__(self, own):
        self.own, self.kept = own, []

    def __enter__(self):
        self.thread = threading.Thread(target=self._talk)
        self.thread.start()
        return self

    def _talk(self):
        address = rendezvous.split_address(self.own.address_of("worker 0"))
        while len(self.kept) < 2:
            try:
                connection = socket.create_connection(address, 1)
            except OSError:
                continue
            wire.send(connection, {"name": "worker 1", "facts": FACTS})
            self.kept.append(connection)

    def __exit__(self, *error):
        self.thread.join()
        for connection in self.kept:
            connection.close()


def test_occupied_port_is_named():
    first = meetings(2)[0]
    with socket.create_server(rendezvous.split_address(first.cluster.own_address)):
        [text] = outcomes([first])
    assert f"worker 0 cannot listen on '{first.cluster.own_address}'" in text


@pytest.mark.parametrize(
    ("host", "bound"),
    [("127.0.0.2", "127.0.0.2"), ("LocalHost", "127.0.0.1"), ("127.corp", "0.0.0.0")],
)
def test_only_the_loopback_is_listened_on_by_its_own_name(host, bound):
    [port] = free_ports(1)
    addresses = {"worker": (f"{host}:{port}", "localhost:1")}
    with listening.listening(ClusterConfig(addresses, "worker", 0)) as listener:
        assert listener.getsockname() == (bound, port)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[" * 60_000 + b"\n",
        b"\x80\x04cposix\nsystem\n.\n",
        b"[1, 2]\n",
        b"x" * 200_000 + b"\n",
        b"",
    ],
    ids=["HTTP", "deep", "pickle", "list", "long", "nothing"],
)
def test_strange_messages_are_dropped_and_the_others_meet(sent):
    two = meetings(2)
    address = rendezvous.split_address(two[0].cluster.address_of("worker 0"))

    def disturb():
        for _ in range(2000):
            try:
                with socket.create_connection(address, 1) as connection:
                    connection.sendall(sent)
                return
            except OSError:
                continue

    thread = threading.Thread(target=disturb)
    thread.start()
    assert outcomes(two) == [None, None]
    thread.join()


def test_received_texts_are_taken_as_they_are_and_shown_without_control_characters():
    left, right = socket.socketpair()
    name = "\x1b[31m" + "x" * 900
    with left, right:
        left.sendall(json.dumps({"facts": {"a": name, "b": 3}}).encode() + b"\n")
        found = wire.texts(wire.Reader(right).next()["facts"])
    assert found == {"a": name}
    assert wire.shown(name) == r"\x1b[31m" + "x" * 495


# The data's path and class names, a list of a settings file, a name that is no UTF-8.
TEXTS = {
    "ideographic space": "/data/写真\u30002024",
    "longer than what is shown": json.dumps(list(range(300))),
    "longer than a message": "明るい, " * 50_000,
    "no UTF-8": "/data/\udce4",
}


@pytest.mark.parametrize("name", TEXTS)
def test_equal_texts_of_every_kind_and_length_are_no_difference(name):
    fact = {"path of the data": TEXTS[name]}
    assert outcomes(meetings(2, [fact, fact])) == [None, None]
    # So does one that was started again meet a chief with parameter servers.
    chief = Members(ClusterConfig({"chief": ("localhost:1",)}, "chief", 0), fact)
    assert chief._welcome("worker 0", wire.texts(brief(fact))) == {"complete": True}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_differ_in_the_last_character_are_told_apart(name):
    facts = [{"path of the data": TEXTS[name] + last} for last in ("\u3000", "\u2003")]
    first, second = outcomes(meetings(2, facts))
    assert first == second
    assert first.isprintable()
    shown = re.search("'([^']+)' and worker 0 has '([^']+)'; make them", first)
    assert shown[1] != shown[2]


def test_chief_workers_and_parameter_servers_meet():
    roles = {"chief": 1, "worker": 2, "ps": 1}
    ports = iter(free_ports(sum(roles.values())))
    addresses = {
        role: tuple(f"localhost:{next(ports)}" for _ in range(count))
        for role, count in roles.items()
    }
    tasks = [(role, index) for role, count in roles.items() for index in range(count)]
    assert outcomes(
        [rendezvous.Meeting(ClusterConfig(addresses, *task), FACTS, SECONDS) for task in tasks]
    ) == [None] * len(tasks)


def test_address_that_differs_is_named_to_all():
    ports = free_ports(3)
    clusters = [cluster(ports, 0), cluster([*ports[:2], free_ports(1)[0]], 1)]
    others = [one.address_of("worker 2") for one in clusters]
    third = cluster(ports, 2)
    ended = outcomes(
        [rendezvous.Meeting(one, common_facts(one), SECONDS) for one in (*clusters, third)]
    )
    assert (
        ended
        == [
            f"worker 1 has the address of worker 2 in TF_CONFIG '{others[1]}' and worker 0 has "
            f"'{others[0]}'; make them the same on all hosts."
        ]
        * 3
    )


def test_address_that_only_one_process_knows_is_named():
    two, three = (ClusterConfig({"worker": ("a:1", "b:2", "c:3")[:n]}, "worker", 0) for n in (2, 3))
    said = difference(common_facts(two), common_facts(three), "worker 0", "worker 1")
    assert said is not None
    assert said.startswith(
        "worker 1 has the address of worker 2 in TF_CONFIG 'c:3' and worker 0 has none; "
    )


def test_fact_that_only_the_other_lacks_is_named():
    said = difference({"hash of the data": "a" * 64}, {}, "worker 0", "worker 1")
    assert said is not None
    assert said.startswith("worker 1 has no hash of the data and worker 0 has 'aaaaaaaaaaaaaaaa…'")


@pytest.mark.parametrize(("count", "agree"), [(255, False), (400, False), (400, True)])
def test_facts_of_a_large_cluster_fit_into_a_message_and_still_differ(count, agree):
    hosts = tuple(f"{'h' * 80}{number}.example:2222" for number in range(count))
    facts = common_facts(ClusterConfig({"worker": hosts}, "worker", 0))
    assert len(json.dumps({"name": "worker 0", "facts": facts})) < wire.MAX_BYTES
    other = common_facts(ClusterConfig({"worker": (*hosts[:-1], "x:1")}, "worker", 0))
    assert (difference(facts, facts if agree else other, "a", "b") is None) == agree


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-x\r\n", b"{}\n"], ids=["HTTP", "SSH", "JSON"])
@pytest.mark.parametrize("waiting", [0, 1])
def test_another_program_at_the_address_of_who_is_missing_is_named(monkeypatch, waiting, greeting):
    monkeypatch.setattr(listening, "CALL_SECONDS", 0.3)
    meeting = meetings(2, timeout=0.5)[waiting]
    missing = f"worker {1 - waiting}"
    address = meeting.cluster.address_of(missing)
    with Greeting(address, greeting):
        [text] = outcomes([meeting])
    assert text.startswith(f"another program answers at the address of {missing}; end it, or ")
    assert f"{missing} ({address}) never came within 0.5 s" in text


class Greeting:
    """A program that greets whoever calls, and hangs up when they do."""

    def __init__(self, address, greeting):
        self.greeting = greeting
        self.socket = socket.create_server(rendezvous.split_address(address))

    def __enter__(self):
        self.thread = threading.Thread(target=self._greet)
        self.thread.start()

    def _greet(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.sendall(self.greeting)
                connection.settimeout(2)
                while connection.recv(1000):
                    pass

    def __exit__(self, *error):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
