"""Whether a tf.data service answers at an address, asked before TensorFlow is.

TensorFlow would wait without end for an address where nobody listens. What is asked are two calls
of the dispatcher without arguments, `GetVersion` and `GetWorkers` (tensorflow/core/data/service/
dispatcher.proto), whose answers are read here as bytes.
"""

import re

from tfinspect.errors import ClusterError, ConfigError

_ADDRESS = re.compile(r"grpc://(?P<address>(\[[0-9a-fA-F:.]+\]|[^:\s/\[\]]+):(?P<port>\d{1,5}))")
_LOOPBACK = re.compile(r"127(\.\d{1,3}){3}")
_SECONDS = 5.0
_CALL = "/tensorflow.data.DispatcherService/"
_VERSION_FIELD, _WORKER_FIELD = 0x08, 0x0A


def host_and_port(service: str) -> str:
    """Returns the `host:port` of `grpc://host:port`.

    Raises:
      ConfigError: it is written in another way.
    """
    found = _ADDRESS.fullmatch(service)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ConfigError(
            f"data_service '{service}' is no address of a tf.data service; write "
            "grpc://HOST:PORT, with a port from 1 to 65535, as `tfinspect cluster data-service` "
            "prints it."
        )
    return found["address"]


def is_loopback(host: str) -> bool:
    """Tells whether a name or address is that of the same machine on every machine.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "[::1]", "host7", "10.0.0.2")]
    [True, True, True, False, False]
    """
    name = host.strip("[]").lower()
    return name in ("localhost", "::1") or _LOOPBACK.fullmatch(name) is not None


def data_workers(service: str) -> int:
    """Returns how many data workers the dispatcher at an address knows; answers within 10 s.

    Raises:
      ConfigError: as of `host_and_port`.
      ClusterError: nobody answers there, or it is no dispatcher.
    """
    import grpc

    with grpc.insecure_channel(host_and_port(service)) as channel:

        def ask(method: str) -> bytes:
            return channel.unary_unary(_CALL + method)(b"", timeout=_SECONDS)

        try:
            version, workers = ask("GetVersion"), ask("GetWorkers")
        except grpc.RpcError as error:
            raise ClusterError(_silence(service, error.code())) from error
    if version[:1] != bytes([_VERSION_FIELD]):
        raise ClusterError(_stranger(service))
    return _count(service, workers)


def require_workers(service: str) -> int:
    """Returns how many data workers there are.

    Raises:
      ConfigError, ClusterError: as of `data_workers`; there is none.
    """
    count = data_workers(service)
    if not count:
        raise ClusterError(
            f"the tf.data service at '{service}' has no data worker; start one with `tfinspect "
            f"cluster data-service --dispatcher {host_and_port(service)} --host NAME`, the name "
            "being that of the machine that it runs on, as the others know it."
        )
    return count


def _silence(service: str, code: object) -> str:
    import grpc

    if code == grpc.StatusCode.UNIMPLEMENTED:
        return _stranger(service)
    why = "not within 5 s" if code == grpc.StatusCode.DEADLINE_EXCEEDED else "the connection fails"
    return (
        f"no tf.data service answers at '{service}' ({why}); start one there with `tfinspect "
        "cluster data-service`, or correct --data-service."
    )


def _stranger(service: str) -> str:
    return (
        f"what answers at '{service}' is no dispatcher of a tf.data service; give the address "
        "that `tfinspect cluster data-service` prints, not that of a worker or another program."
    )


def _count(service: str, message: bytes) -> int:
    """Counts the messages of a repeated field: a tag, a length as a varint, and so many bytes."""
    count = position = 0
    while position < len(message):
        if message[position] != _WORKER_FIELD:
            raise ClusterError(_stranger(service))
        position, length, shift = position + 1, 0, 0
        while position < len(message) and message[position] & 0x80:
            length |= (message[position] & 0x7F) << shift
            position, shift = position + 1, shift + 7
        length |= (message[position] if position < len(message) else 0) << shift
        position, count = position + 1 + length, count + 1
    return count
