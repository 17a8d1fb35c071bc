"""One question to TensorFlow's server of another process: is it there, and is it still the same?

The server answers in a thread of its own, whatever Python does there.
"""

import enum
import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfinspect.cluster.rendezvous import split_address

_METHOD = "/tensorflow.WorkerService/GetStatus"
_NO_HOST = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}


class Kind(enum.Enum):
    """How a question ended."""

    # Something answered, if only with an error; or nothing can be said.
    THERE = enum.auto()
    # Nothing came in time, or the host cannot be reached.
    SILENT = enum.auto()
    # The host answers, and nobody listens on the address.
    REFUSED = enum.auto()
    # Somebody listens, who is not TensorFlow's server.
    BROKEN = enum.auto()


@dataclass(frozen=True)
class Answer:
    """How a question ended.

    Attributes:
      kind: in which way.
      incarnations: random numbers that TensorFlow's server has drawn at its start, one for each
        device; empty where it has not told them.
    """

    kind: Kind
    incarnations: frozenset[int] = frozenset()


def ask(addresses: Mapping[str, str], seconds: float) -> dict[str, Answer]:
    """Asks all at once, and gives each of them so much time.

    Args:
      addresses: name -> `host:port`.
      seconds: until one counts as silent.
    """
    import grpc

    channels = {name: grpc.insecure_channel(address) for name, address in addresses.items()}
    calls = {
        name: channel.unary_unary(_METHOD).future(b"", timeout=seconds)
        for name, channel in channels.items()
    }
    answers = {name: _answer(call, addresses[name], seconds) for name, call in calls.items()}
    for channel in channels.values():
        channel.close()
    return answers


def _answer(call: Any, address: str, seconds: float) -> Answer:
    import grpc

    error = call.exception()
    if error is None:
        return Answer(Kind.THERE, _incarnations(call.result()))
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return Answer(Kind.SILENT)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return Answer(_why_unavailable(address, seconds))
    return Answer(Kind.THERE)


def _why_unavailable(address: str, seconds: float) -> Kind:
    """Connects, since gRPC has one status for all that can go wrong with that."""
    try:
        socket.create_connection(split_address(address), seconds).close()
    except TimeoutError:
        return Kind.SILENT
    except ConnectionRefusedError:
        return Kind.REFUSED
    except OSError as error:
        # A name that is not found, for example, says nothing about the process.
        return Kind.SILENT if error.errno in _NO_HOST else Kind.THERE
    return Kind.BROKEN


def _incarnations(status: bytes) -> frozenset[int]:
    """Reads them out of a `GetStatusResponse`, of which TensorFlow's Python has no class."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.example.feature_pb2 import BytesList
    from tensorflow.core.framework.device_attributes_pb2 import DeviceAttributes

    try:
        # Both messages are a repeated field 1, here of bytes that are messages again.
        devices = [DeviceAttributes.FromString(one) for one in BytesList.FromString(status).value]
    except DecodeError:
        return frozenset()
    return frozenset(device.incarnation for device in devices)
