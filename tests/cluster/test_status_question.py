"""How one question to another process ends, without processes of a cluster."""

import contextlib
import errno
import os
import socket
import threading

import pytest
import tensorflow as tf

from tfinspect.cluster.launch import free_ports
from tfinspect.training.status_question import Answer, Kind, ask

SECONDS = 2.0


def free_address():
    return f"localhost:{free_ports(1)[0]}"


def test_process_that_has_ended_refuses_and_one_that_is_stopped_says_nothing():
    # The system takes the connection, as it does for a process that is stopped.
    with socket.create_server(("localhost", 0)) as listener:
        mute = f"localhost:{listener.getsockname()[1]}"
        found = ask({"ended": free_address(), "stopped": mute}, SECONDS)
    assert found == {"ended": Answer(Kind.REFUSED), "stopped": Answer(Kind.SILENT)}


def test_process_that_waits_for_the_others_breaks_the_connection():
    def answer(listener):
        # Until it is closed.
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b'{"name": "worker 1"}\n')

    listener = socket.create_server(("localhost", 0))
    answering = threading.Thread(target=answer, args=(listener,))
    answering.start()
    found = ask({"waiting": f"localhost:{listener.getsockname()[1]}"}, SECONDS)
    listener.shutdown(socket.SHUT_RDWR)
    answering.join()
    listener.close()
    assert found == {"waiting": Answer(Kind.BROKEN)}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)), Kind.SILENT),
        (OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)), Kind.SILENT),
        (TimeoutError(), Kind.SILENT),
        (ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)), Kind.REFUSED),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Kind.THERE),
    ],
)
def test_what_grpc_calls_unavailable_is_told_apart(monkeypatch, error, kind):
    def connect(*given, **more):
        raise error

    monkeypatch.setattr(socket, "create_connection", connect)
    assert ask({"one": free_address()}, SECONDS) == {"one": Answer(kind)}


def test_incarnations_are_those_that_tensorflow_says_of_its_server():
    addresses = {name: free_address() for name in ("one", "two")}
    servers = {
        name: tf.distribute.Server({"worker": [address]}, job_name="worker", task_index=0)
        for name, address in addresses.items()
    }
    found = ask(addresses, 10.0)
    assert found == ask(addresses, 10.0)
    for name, server in servers.items():
        with tf.compat.v1.Session(server.target) as session:
            devices = session.list_devices()
        expected = frozenset(device.incarnation % 2**64 for device in devices)
        assert found[name] == Answer(Kind.THERE, expected)
    assert not found["one"].incarnations & found["two"].incarnations
