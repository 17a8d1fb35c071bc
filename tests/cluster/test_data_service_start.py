"""What `tfinspect cluster data-service` starts, without starting it."""

import threading
import time

import pytest

from tfinspect.cluster import data_service
from tfinspect.cluster.data_service import Service
from tfinspect.data import service_address
from tfinspect.errors import ClusterError, ConfigError


class Started:
    """Stands for the processes; a test says what comes from them."""

    def __init__(self, monkeypatch, service):
        self.addresses, self.lines, self.processes = [], [], {}
        monkeypatch.setattr(data_service, "run_together", self._run)
        data_service.run(service, self.addresses.append, lambda *line: self.lines.append(line))

    def _run(self, processes, heard, vital, ended):
        self.processes, self.heard, self.vital, self.ended = processes, heard, vital, ended
        return 0


@pytest.mark.parametrize("port", [None, 5050])
def test_time_to_wait_and_host_reach_the_data_workers(monkeypatch, port):
    service = Service(workers=2, port=port, host="host7", timeout=7.5)
    started = Started(monkeypatch, service)
    assert list(started.processes) == ["dispatcher", "data worker 0", "data worker 1"]
    for name, process in started.processes.items():
        words = process.command
        assert words[words.index("--host") + 1] == "host7"
        if name != "dispatcher":
            assert words[words.index("--cluster-timeout") + 1] == "7.5"


def test_address_is_told_once_though_the_last_two_are_ready_in_the_same_moment():
    class Slow(set):
        """Gives other threads the time to remove something, too."""

        def remove(self, name):
            super().remove(name)
            time.sleep(0.2)

    told = []
    ready = data_service._Ready([], lambda: told.append("ready"))
    ready._waiting = Slow({"dispatcher", "data worker 0"})
    threads = [threading.Thread(target=ready.add, args=(name,)) for name in ready._waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["ready"]


def test_address_is_told_when_all_are_ready_and_lines_of_others_are_passed_on(monkeypatch):
    started = Started(monkeypatch, Service(workers=1, port=5050))
    started.heard("data worker 0", True, "")
    started.heard("dispatcher", False, "a warning")
    assert (started.addresses, started.lines) == ([], [("dispatcher", False, "a warning")])
    for _ in range(2):
        started.heard("dispatcher", True, "")
    assert started.addresses == ["grpc://localhost:5050"]


def test_data_worker_that_ends_before_it_is_ready_is_told_and_not_waited_for(monkeypatch):
    started = Started(monkeypatch, Service(workers=2, port=5050))
    started.heard("dispatcher", True, "")
    started.heard("data worker 0", True, "")
    assert started.addresses == []
    started.ended("data worker 1", 2)
    [(name, standard, text)] = started.lines
    assert (name, standard) == ("data worker 1", False)
    assert text == "ended with status 2 before it was ready"
    assert started.addresses == ["grpc://localhost:5050"]


def test_every_end_is_told(monkeypatch):
    started = Started(monkeypatch, Service(workers=2, port=5050))
    for name in started.processes:
        started.heard(name, True, "")
    started.ended("data worker 0", 1)
    started.ended("data worker 1", -9)
    assert started.lines == [
        ("data worker 0", False, "ended with status 1"),
        ("data worker 1", False, "was ended by signal 9"),
    ]


def test_no_address_is_told_when_every_data_worker_has_ended_before_it_was_ready(monkeypatch):
    started = Started(monkeypatch, Service(workers=2, port=5050))
    started.heard("dispatcher", True, "")
    started.ended("data worker 0", 2)
    started.ended("data worker 1", 2)
    assert len(started.lines) == 2
    assert started.addresses == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_data_worker_that_others_could_not_reach_is_refused(host):
    with pytest.raises(ConfigError, match=r"cannot be reached from the other mac.*with --host"):
        Service(host=host, dispatcher="host7:5050")
    assert Service(host=host, dispatcher="localhost:5050").host == host
    assert Service(host="host8", dispatcher="host7:5050").host == "host8"


def test_cure_for_a_service_without_workers_can_be_followed(monkeypatch):
    monkeypatch.setattr(service_address, "data_workers", lambda service: 0)
    with pytest.raises(ClusterError) as caught:
        service_address.require_workers("grpc://host7:5050")
    words = str(caught.value).split("`")[1].split()
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert Service(host=options["--host"], dispatcher=options["--dispatcher"]).workers == 1
