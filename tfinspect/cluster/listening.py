"""The address of a process of a cluster: listened on, and called."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from tfinspect.cluster import wire
from tfinspect.cluster.tf_config import VARIABLE, ClusterConfig
from tfinspect.data.service_address import is_loopback
from tfinspect.errors import ClusterError

POLL_SECONDS = 0.2
CALL_SECONDS = 3.0


@contextlib.contextmanager
def listening(cluster: ClusterConfig) -> Iterator[socket.socket]:
    """Yields a socket that listens on this process's address while the block runs.

    Raises:
      ClusterError: the port is taken.
    """
    host, port = split_address(cluster.own_address or "")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # As TensorFlow does; a name of this host may lead here through a proxy of its own.
    here = host if is_loopback(host) else ""
    try:
        listener.bind((here, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ClusterError(
            f"{cluster.name} cannot listen on '{cluster.own_address}', its address in {VARIABLE}: "
            f"{error.strerror or error}; end the program that uses the port, or give another."
        ) from error
    listener.settimeout(POLL_SECONDS)
    try:
        yield listener
    finally:
        listener.close()


@contextlib.contextmanager
def answering(cluster: ClusterConfig, listener: socket.socket) -> Iterator[None]:
    """Tells whoever calls, while the block runs, which process this is."""
    done = threading.Event()
    answerer = threading.Thread(target=_answer, args=(cluster, listener, done), daemon=True)
    answerer.start()
    try:
        yield
    finally:
        done.set()
        answerer.join()


def _answer(cluster: ClusterConfig, listener: socket.socket, done: threading.Event) -> None:
    while not done.is_set():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                wire.send(connection, {"name": cluster.name})


def split_address(address: str) -> tuple[str, int]:
    """Splits `host:port`; an IPv6 host loses its brackets.

    >>> split_address("[::1]:2222")
    ('::1', 2222)
    """
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def answers(address: str) -> bool:
    """Tells whether somebody listens on an address."""
    try:
        socket.create_connection(split_address(address), CALL_SECONDS).close()
    except OSError:
        return False
    return True


def who_answers(address: str) -> str | None:
    """Returns the name of the process that listens on an address; None where none says it."""
    try:
        with socket.create_connection(split_address(address), CALL_SECONDS) as connection:
            return wire.shown(wire.Reader(connection).next().get("name", ""))
    except (OSError, ValueError):
        return None
