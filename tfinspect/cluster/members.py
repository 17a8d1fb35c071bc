"""Who is there while a run with parameter servers goes on, and word of its end.

TensorFlow's servers never end by themselves, and nothing tells them when the chief is gone. So
every worker and parameter server keeps one connection to the chief, at its address of `TF_CONFIG`.
It breaks when either of the two dies; it carries a request to stop one way, the end the other.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tfinspect.cluster import rendezvous, wire
from tfinspect.cluster.facts import difference
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ClusterError, ProcessLostError

# Each side tells the other now and then that it is there, and gives it up after so long without.
ALIVE_SECONDS = 5.0
SILENCE_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class End:
    """How a run ended.

    Attributes:
      kind: "done", "stopped" by a signal, or "failed".
      sentence: what the chief says of it; empty when it is done.
    """

    kind: str
    sentence: str = ""


class Members:
    """The workers and parameter servers, as the chief sees them; a context manager."""

    def __init__(self, cluster: ClusterConfig, facts: Mapping[str, str]) -> None:
        """Describes them; they are listened to inside the context.

        Args:
          cluster: everybody's addresses; this process is the chief.
          facts: what must be equal in a process that comes back.
        """
        self.cluster, self.facts = cluster, facts
        # Whether one of them was asked to stop.
        self.stop_requested = False
        self._connections: dict[str, socket.socket] = {}
        self._silent: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Members":
        """Begins to listen.

        Raises:
          ClusterError: the port is taken.
        """
        listener = self._stack.enter_context(rendezvous.listening(self.cluster))
        accepting = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        accepting.start()
        self._stack.callback(accepting.join)
        self._stack.callback(self._closing.set)
        return self

    def __exit__(self, *raised: object) -> None:
        """Hangs up."""
        self._stack.close()
        with self._lock:
            for connection in self._connections.values():
                # Its thread waits in `recv`, which this ends.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def lost(self) -> list[str]:
        """Returns the names of those that are not connected."""
        with self._lock:
            others = [name for name in self.cluster.names if name != self.cluster.name]
            return [name for name in others if name not in self._connections]

    def silent(self) -> list[str]:
        """Returns the names of those that are lost, and whose connection never broke."""
        with self._lock:
            return sorted(self._silent)

    def wait(self, timeout: float) -> None:
        """Waits until all are connected.

        Raises:
          ClusterError: one did not come in time.
        """
        deadline = time.monotonic() + timeout
        while missing := self.lost():
            if time.monotonic() > deadline:
                meeting = rendezvous.Meeting(self.cluster, {}, timeout)
                raise ClusterError(rendezvous.never_came(missing, meeting))
            time.sleep(_POLL_SECONDS / 10)

    def end(self, end: End) -> None:
        """Tells all how the run ended."""
        with self._lock:
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    wire.send(connection, {"end": end.kind, "sentence": end.sentence})

    def _accept(self, listener: socket.socket) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection: socket.socket) -> None:
        connection.settimeout(wire.SILENCE_SECONDS)
        reader = wire.Reader(connection)
        with connection, contextlib.suppress(OSError, ValueError):
            said = reader.next()
            name = wire.shown(said.get("name", ""))
            if said.get("joins") and name in self.cluster.names:
                self._keep(name, connection, reader)
            elif "facts" in said:
                wire.send(connection, self._welcome(name, wire.texts(said["facts"])))

    def _welcome(self, name: str, facts: dict[str, str]) -> dict[str, Any]:
        """Answers a process that was started again and wants to meet the others."""
        found = difference(self.facts, facts, self.cluster.name, name)
        return {"error": found} if found else {"complete": True}

    def _keep(self, name: str, connection: socket.socket, reader: wire.Reader) -> None:
        connection.settimeout(SILENCE_SECONDS)
        with self._lock:
            self._connections[name] = connection
            self._silent.discard(name)
        silent = False
        try:
            while True:
                with self._lock:
                    wire.send(connection, {"alive": True})
                if reader.next().get("stop"):
                    self.stop_requested = True
        except OSError as error:
            # The system of a process that died closes its connection.
            silent = not isinstance(error, ConnectionError)
        finally:
            with self._lock:
                if self._connections.get(name) is connection:
                    del self._connections[name]
                    if silent:
                        self._silent.add(name)


def stay(cluster: ClusterConfig, timeout: float, stop_requested: Callable[[], bool]) -> End:
    """Tells the chief that this process is ready, and waits until the chief says how it ended.

    Args:
      cluster: everybody's addresses, and which process this is.
      timeout: seconds until the chief must have answered.
      stop_requested: whether this process was asked to stop; the chief is told.

    Raises:
      ProcessLostError: the chief is gone.
      ClusterError: it never came.
      KeyboardInterrupt: this process was asked to stop before the chief came.
    """
    reader = _joined(cluster, timeout, stop_requested)
    with reader.connection:
        try:
            return _until_end(reader, stop_requested)
        except (OSError, ValueError) as error:
            raise ProcessLostError(
                f"{cluster.leader} was lost, and {cluster.name} has nobody to work for."
            ) from error


def _until_end(reader: wire.Reader, stop_requested: Callable[[], bool]) -> End:
    """Tells the chief that this process is there, and is to stop, until the chief tells the end."""
    connection, told = reader.connection, False
    connection.settimeout(_POLL_SECONDS)
    spoke = heard = time.monotonic()
    while True:
        if stop_requested() and not told:
            wire.send(connection, {"stop": True})
            told = True
        if time.monotonic() - spoke > ALIVE_SECONDS:
            wire.send(connection, {"alive": True})
            spoke = time.monotonic()
        try:
            said = reader.next()
        except TimeoutError:
            if time.monotonic() - heard > SILENCE_SECONDS:
                raise
            continue
        heard = time.monotonic()
        if "end" in said:
            return End(wire.shown(said["end"]), wire.shown(said.get("sentence", "")))


def _joined(
    cluster: ClusterConfig, timeout: float, stop_requested: Callable[[], bool]
) -> wire.Reader:
    """Returns the connection to the chief, once the chief has answered on it.

    Whoever is quick still reaches the socket on which all met before, and which is closed now: a
    connection on which nothing was ever heard is no loss, but a reason to call again.
    """
    deadline = time.monotonic() + timeout
    while True:
        if stop_requested():
            # There is nobody to tell, and nothing to keep.
            raise KeyboardInterrupt
        try:
            return _taken_in(cluster)
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                meeting = rendezvous.Meeting(cluster, {}, timeout)
                raise ClusterError(rendezvous.never_came([cluster.leader], meeting)) from error
            time.sleep(_POLL_SECONDS)


def _taken_in(cluster: ClusterConfig) -> wire.Reader:
    address = rendezvous.split_address(cluster.address_of(cluster.leader))
    connection = socket.create_connection(address, wire.SILENCE_SECONDS)
    try:
        wire.send(connection, {"name": cluster.name, "joins": True})
        reader = wire.Reader(connection)
        reader.next()
    except BaseException:
        connection.close()
        raise
    return reader
