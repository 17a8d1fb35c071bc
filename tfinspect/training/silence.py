"""Processes of a cluster that answer no more: stopped, or on a host that is gone without a word.

A process that dies breaks its connections, and TensorFlow raises an error. One that only falls
silent breaks none, and the others would wait for its gradients without end.
"""

import errno
import socket
import threading
from collections.abc import Callable, Iterable

from tfinspect.cluster.rendezvous import split_address
from tfinspect.cluster.tf_config import ClusterConfig

# A process is silent that leaves so many questions in a row without an answer, each for so long.
QUESTIONS = 4
ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 5.0
_NO_HOST = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
# TensorFlow's server answers it in a thread of its own, whatever Python does.
_METHOD = "/tensorflow.WorkerService/GetStatus"


class Watch:
    """Asks the other processes whether they are there, in a thread; a context manager.

    Attributes:
      silent: names of those that answer no more; once there is one, nobody is asked again.
    """

    def __init__(self, cluster: ClusterConfig, on_silence: Callable[[], None]) -> None:
        """Describes whom to ask.

        Args:
          cluster: those that compute in it are asked, but for this process.
          on_silence: called, in the thread, when `silent` is not empty any more.
        """
        self.silent: list[str] = []
        computing = cluster.names[: cluster.workers]
        self._addresses = {n: cluster.address_of(n) for n in computing if n != cluster.name}
        self._on_silence = on_silence
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        """Begins to ask."""
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Ends it, after the questions that are under way."""
        self._closing.set()

    def _run(self) -> None:
        missed = dict.fromkeys(self._addresses, 0)
        while not self.silent and not self._closing.wait(PAUSE_SECONDS):
            unanswered = _unanswered(self._addresses.items())
            for name in missed:
                missed[name] = missed[name] + 1 if name in unanswered else 0
            self.silent = [name for name, count in missed.items() if count >= QUESTIONS]
        if self.silent and not self._closing.is_set():
            self._on_silence()


def _unanswered(addresses: Iterable[tuple[str, str]]) -> set[str]:
    """Asks all at once; returns the names of those from whom nothing came.

    An error is an answer: who is gone, and whose connection breaks, TensorFlow notices by itself.
    Not so that of this host's own system, that the other host cannot be reached.
    """
    import grpc

    where = dict(addresses)
    channels = {name: grpc.insecure_channel(address) for name, address in where.items()}
    calls = {
        name: channel.unary_unary(_METHOD).future(b"", timeout=ANSWER_SECONDS)
        for name, channel in channels.items()
    }
    codes = {name: error.code() for name, call in calls.items() if (error := call.exception())}
    for channel in channels.values():
        channel.close()
    return {
        name
        for name, code in codes.items()
        if code == grpc.StatusCode.DEADLINE_EXCEEDED
        or (code == grpc.StatusCode.UNAVAILABLE and _is_out_of_reach(where[name]))
    }


def _is_out_of_reach(address: str) -> bool:
    """Tells whether no host answers at an address; one that refuses the connection does.

    gRPC has one status for both.
    """
    try:
        socket.create_connection(split_address(address), ANSWER_SECONDS).close()
    except TimeoutError:
        return True
    except OSError as error:
        return error.errno in _NO_HOST
    return False
