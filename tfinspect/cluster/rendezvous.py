"""All processes of a cluster meet, and compare what must be equal, before TensorFlow starts.

The process that writes (the chief, or worker 0) listens on its own address of `TF_CONFIG`; the
others call it, say who they are, and wait. It calls each of them back, so that a wrong address is
found, and tells all of them who is missing, what differs, or that all are there.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tfinspect.cluster import wire
from tfinspect.cluster.facts import brief, difference
from tfinspect.cluster.listening import (
    CALL_SECONDS,
    POLL_SECONDS,
    answering,
    answers,
    listening,
    split_address,
    who_answers,
)
from tfinspect.cluster.tf_config import VARIABLE, ClusterConfig
from tfinspect.errors import ClusterError

__all__ = ["Meeting", "answers", "listening", "meet", "never_came", "split_address"]

_CALLS_AT_ONCE = 16
# Between two reports of who is missing.
_REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class Meeting:
    """Who meets.

    Attributes:
      cluster: everybody's addresses, and which process this is.
      facts: name -> value that must be equal in all processes, such as a version or a hash.
      timeout: seconds until those who are there give up.
      on_missing: told, now and then, the names of those who have not come yet.
      on_listening: called once this process listens on its own address.
    """

    cluster: ClusterConfig
    facts: Mapping[str, str]
    timeout: float = 300.0
    on_missing: Callable[[list[str]], None] = lambda _: None
    on_listening: Callable[[], None] = lambda: None


def meet(meeting: Meeting) -> None:
    """Waits until every process of the cluster is there and agrees.

    Raises:
      ClusterError: a process never came, two claim one task, an address leads elsewhere, the port
        is taken, or something differs; the sentence says who and what.
    """
    if len(meeting.cluster.names) == 1:
        return
    with listening(meeting.cluster) as listener:
        meeting.on_listening()
        if meeting.cluster.is_chief:
            _Leader(meeting, listener).run()
        else:
            _follow(meeting, listener)


@dataclass
class _Member:
    connection: socket.socket
    facts: dict[str, str]

    def is_alive(self) -> bool:
        try:
            self.connection.setblocking(False)
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.connection.settimeout(wire.SILENCE_SECONDS)


@dataclass
class _Leader:
    meeting: Meeting
    listener: socket.socket
    members: dict[str, _Member] = field(default_factory=dict)
    problem: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Waits for all, then tells all how it ended."""
        deadline = time.monotonic() + self.meeting.timeout
        reported = 0.0
        try:
            while (missing := self._missing()) and self.problem is None:
                if time.monotonic() > deadline:
                    self.problem = _not_met(missing, self.meeting)
                    break
                if time.monotonic() - reported > _REPORT_SECONDS:
                    reported = time.monotonic()
                    self._report(missing)
                self._accept()
            else:
                self._hear_the_late()
            self._end(self.problem or self._compared() or self._called_back())
        finally:
            for member in self.members.values():
                member.connection.close()

    def _hear_the_late(self) -> None:
        """Lets those who come a moment after a problem was found hear of it, too."""
        deadline = time.monotonic() + CALL_SECONDS
        while self.problem is not None and self._missing() and time.monotonic() < deadline:
            self._accept()

    def _missing(self) -> list[str]:
        own = self.meeting.cluster
        with self.lock:
            gone = [name for name, member in self.members.items() if not member.is_alive()]
            for name in gone:
                self.members.pop(name).connection.close()
            return [name for name in own.names if name not in self.members and name != own.name]

    def _accept(self) -> None:
        with contextlib.suppress(TimeoutError):
            connection, _ = self.listener.accept()
            # One that says nothing must not keep the others waiting.
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        connection.settimeout(wire.SILENCE_SECONDS)
        try:
            said = wire.Reader(connection).next()
        except (OSError, ValueError):
            connection.close()
            return
        name = wire.shown(said.get("name", ""))
        with self.lock:
            if name not in self.meeting.cluster.names or name == self.meeting.cluster.name:
                self.problem = (
                    f"a process calls itself '{name}', which is none of those that "
                    f"{self.meeting.cluster.name} waits for; give every process the same cluster "
                    f"in {VARIABLE}, and its own task."
                )
            elif name in self.members and self.members[name].is_alive():
                self.problem = (
                    f"two processes call themselves {name}; give each its own task in {VARIABLE}."
                )
            elif "refuses" in said:
                self.problem = wire.shown(said["refuses"])
            if name in self.members:
                self.members[name].connection.close()
            self.members[name] = _Member(connection, wire.texts(said.get("facts")))

    def _report(self, missing: list[str]) -> None:
        self.meeting.on_missing(missing)
        self._tell({"missing": missing})

    def _tell(self, message: dict[str, Any]) -> None:
        with self.lock:
            for member in self.members.values():
                with contextlib.suppress(OSError):
                    wire.send(member.connection, message)

    def _compared(self) -> str | None:
        own = self.meeting.cluster.name
        for name in sorted(self.members):
            found = difference(self.meeting.facts, self.members[name].facts, own, name)
            if found:
                return found
        return None

    def _called_back(self) -> str | None:
        for name in sorted(self.members):
            address = self.meeting.cluster.address_of(name)
            answer = who_answers(address)
            if answer != name:
                met = f"leads to '{answer}'" if answer else "does not lead to it"
                return (
                    f"{name} is there, but its address '{address}' in {VARIABLE} {met}; "
                    "correct the address, or open the port."
                )
        return None

    def _end(self, problem: str | None) -> None:
        self._tell({"error": problem} if problem else {"complete": True})
        if problem:
            raise ClusterError(problem)
        # They hang up first, so that no port of ours stays occupied.
        deadline = time.monotonic() + CALL_SECONDS
        while time.monotonic() < deadline and any(m.is_alive() for m in self.members.values()):
            time.sleep(0.01)


def never_came(missing: list[str], meeting: Meeting) -> str:
    """Words who was not there in time."""
    listed = ", ".join(f"{name} ({meeting.cluster.address_of(name)})" for name in missing)
    return (
        f"{listed} never came within {meeting.timeout:g} s; start every process that is missing, "
        "make sure that its address can be reached from here, or give more --cluster-timeout."
    )


def _not_met(missing: list[str], meeting: Meeting) -> str:
    """Words who was not there in time, and who is there instead."""
    addresses = [meeting.cluster.address_of(name) for name in missing]
    with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
        taken = list(pool.map(_taken, addresses))
    others = [name for name, one in zip(missing, taken, strict=True) if one]
    if not others:
        return never_came(missing, meeting)
    return (
        f"another program answers at the address of {', '.join(others)}; end it, or correct the "
        f"address in {VARIABLE}. {never_came(missing, meeting)}"
    )


def _taken(address: str) -> bool:
    """Tells whether somebody listens on an address who is no process of a cluster."""
    return answers(address) and not who_answers(address)


def _follow(meeting: Meeting, listener: socket.socket) -> None:
    leader = meeting.cluster.leader
    deadline = time.monotonic() + meeting.timeout
    reported = 0.0
    with answering(meeting.cluster, listener):
        while not _asked(meeting, deadline):
            if time.monotonic() > deadline:
                raise ClusterError(_not_met([leader], meeting))
            if time.monotonic() - reported > _REPORT_SECONDS:
                reported = time.monotonic()
                meeting.on_missing([leader])
            time.sleep(POLL_SECONDS)


def _asked(meeting: Meeting, deadline: float) -> bool:
    """Calls the leader and waits for its verdict; False where it is not there (any more)."""
    address = meeting.cluster.address_of(meeting.cluster.leader)
    try:
        with socket.create_connection(split_address(address), CALL_SECONDS) as connection:
            # The leader speaks every few seconds, as long as it lives.
            connection.settimeout(max(deadline - time.monotonic(), 0) + 2 * _REPORT_SECONDS)
            name = meeting.cluster.name
            wire.send(connection, {"name": name, "facts": brief(meeting.facts)})
            return _verdict(meeting, wire.Reader(connection))
    except (OSError, ValueError):
        return False


def _verdict(meeting: Meeting, reader: wire.Reader) -> bool:
    while True:
        said = reader.next()
        if said.get("complete"):
            return True
        if "error" in said:
            raise ClusterError(wire.shown(said["error"]))
        missing = said.get("missing")
        if isinstance(missing, list):
            meeting.on_missing([wire.shown(name) for name in missing])
