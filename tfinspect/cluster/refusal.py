"""A process that cannot take part tells those that it would have met, and they need not wait."""

import contextlib
import socket
import time

from tfinspect.cluster import rendezvous, wire
from tfinspect.cluster.listening import POLL_SECONDS, listening, split_address
from tfinspect.errors import ClusterError

# So long it waits for those who come later; those who come after it wait for their own timeout.
SECONDS = 30.0


def tell(meeting: rendezvous.Meeting, why: str) -> None:
    """Tells the others why this process cannot take part, as far as they come in time.

    Args:
      meeting: who would have met.
      why: a sentence.
    """
    cluster = meeting.cluster
    if len(cluster.names) == 1 or cluster.own_address is None:
        return
    problem = f"{cluster.name} cannot take part: {why}"
    deadline = time.monotonic() + min(SECONDS, meeting.timeout)
    if not cluster.is_chief:
        _call(meeting, problem, deadline)
        return
    # A port that is taken is no news beside what is to be told.
    with contextlib.suppress(ClusterError), listening(cluster) as listener:
        waiting = {*cluster.names} - {cluster.name}
        while waiting and time.monotonic() < deadline:
            waiting.discard(_answer(listener, problem))


def _answer(listener: socket.socket, problem: str) -> str:
    """Tells the next one who calls, and returns its name; empty where nobody does."""
    with contextlib.suppress(OSError, ValueError):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(POLL_SECONDS)
            name = wire.shown(wire.Reader(connection).next().get("name", ""))
            wire.send(connection, {"error": problem})
            return name
    return ""


def _call(meeting: rendezvous.Meeting, problem: str, deadline: float) -> None:
    address = split_address(meeting.cluster.address_of(meeting.cluster.leader))
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            connection = socket.create_connection(address, wire.SILENCE_SECONDS)
            with connection, contextlib.suppress(OSError, ValueError):
                wire.send(connection, {"name": meeting.cluster.name, "refuses": problem})
                # Its answer says that it has heard; what it is, it tells the others.
                wire.Reader(connection).next()
            return
        time.sleep(POLL_SECONDS)
