"""Who counts as silent when it is asked, without processes of TensorFlow."""

import errno
import os
import socket

import pytest

from tfinspect.cluster.launch import free_ports
from tfinspect.training import silence


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(silence, "ANSWER_SECONDS", 2.0)


def test_process_that_has_ended_has_answered_and_one_that_says_nothing_has_not():
    [free] = free_ports(1)
    # The system takes the connection, as it does for a process that is stopped.
    with socket.create_server(("localhost", 0)) as listener:
        mute = f"localhost:{listener.getsockname()[1]}"
        asked = [("ended", f"localhost:{free}"), ("stopped", mute)]
        assert silence._unanswered(asked) == {"stopped"}


@pytest.mark.parametrize(
    ("error", "silent"),
    [
        (OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)), {"gone"}),
        (OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)), {"gone"}),
        (TimeoutError(), {"gone"}),
        (ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)), set()),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), set()),
    ],
)
def test_host_that_vanished_from_the_own_network_is_silent(monkeypatch, error, silent):
    # gRPC says of this address what it says of all these errors: unavailable.
    [free] = free_ports(1)

    def connect(*given, **more):
        raise error

    monkeypatch.setattr(socket, "create_connection", connect)
    assert silence._unanswered([("gone", f"localhost:{free}")]) == silent


def test_process_whose_connection_breaks_and_whose_host_answers_is_not_silent(monkeypatch):
    class Connected:
        def close(self):
            pass

    [free] = free_ports(1)
    monkeypatch.setattr(socket, "create_connection", lambda *given: Connected())
    assert silence._unanswered([("restarting", f"localhost:{free}")]) == set()
