"""Graph collections, decoded as far as their names say what is in them.

Sources: `tensorflow/core/protobuf/meta_graph.proto` (CollectionDef), `queue_runner.proto` and
the `register_proto_function` calls of TensorFlow 1.
"""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import meta_graph_pb2

from tfinspect.artifacts.variable_defs import variable_or_bytes
from tfinspect.artifacts.wire import LENGTH, WireError, fields, text

_QUEUE_RUNNERS = "queue_runners"
_ASSETS = "saved_model_assets"


@dataclass(frozen=True)
class QueueRunnerDef:
    """A queue and the ops that fill it, close it and cancel it."""

    queue: str
    enqueue_ops: tuple[str, ...]
    close_op: str
    cancel_op: str


@dataclass(frozen=True)
class AssetDef:
    """A file that the graph reads, and the tensor that holds its path."""

    filename: str
    tensor: str


def decode(name: str, message: Any) -> tuple[Any, ...]:
    """Decodes a CollectionDef.

    Args:
      name: of the collection.
      message: the CollectionDef.

    Returns:
      Names of tensors or ops as strings, numbers, and for bytes: VariableDef, QueueRunnerDef,
      AssetDef or, where they are none of these, the bytes themselves.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        return ()
    if kind == "any_list":
        return tuple(_bytes(name, one.value) for one in message.any_list.value)
    values = tuple(getattr(message, kind).value)
    if kind != "bytes_list":
        return values
    return tuple(_bytes(name, value) for value in values)


def _bytes(name: str, value: bytes) -> Any:
    decoder = {_QUEUE_RUNNERS: _queue_runner, _ASSETS: _asset}.get(name)
    if decoder is None:
        return variable_or_bytes(name, value)
    try:
        return decoder(value)
    except (WireError, DecodeError):
        return value


def _queue_runner(value: bytes) -> QueueRunnerDef:
    texts: dict[int, list[str]] = {}
    for field in fields(value):
        if field.wire_type == LENGTH:
            texts.setdefault(field.number, []).append(text(value, field))
    single = {number: found[-1] for number, found in texts.items()}
    return QueueRunnerDef(
        single.get(1, ""), tuple(texts.get(2, ())), single.get(3, ""), single.get(4, "")
    )


def _asset(value: bytes) -> AssetDef:
    message = meta_graph_pb2.AssetFileDef.FromString(value)
    return AssetDef(message.filename, message.tensor_info.name)
