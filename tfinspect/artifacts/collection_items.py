"""Graph collections, decoded as far as their names say what is in them.

Sources: `tensorflow/core/protobuf/meta_graph.proto` (CollectionDef), `variable.proto`,
`queue_runner.proto` and the `register_proto_function` calls of TensorFlow 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import meta_graph_pb2, variable_pb2

from tfinspect.artifacts.wire import LENGTH, WireError, fields, text

VARIABLE_COLLECTIONS = frozenset(
    {
        "variables",
        "trainable_variables",
        "model_variables",
        "local_variables",
        "moving_average_variables",
        "moving_vars",
        "global_step",
        "concatenated_variables",
        "metric_variables",
    }
)
_QUEUE_RUNNERS = "queue_runners"
_ASSETS = "saved_model_assets"


@dataclass(frozen=True)
class VariableDef:
    """A variable as a collection describes it.

    Attributes:
      name: without `:0`.
      initializer: op that gives the first value.
      snapshot: tensor that reads it.
      is_resource: whether it is a resource variable.
      trainable: as written; files from before TensorFlow 1.13 never say so.
      full_name: name of the whole variable that this is a part of; None for a whole one.
      full_shape: shape of the whole; None for a whole one.
      offset: where the part begins in it; None for a whole one.
    """

    name: str
    initializer: str
    snapshot: str
    is_resource: bool
    trainable: bool
    full_name: str | None = None
    full_shape: tuple[int, ...] | None = None
    offset: tuple[int, ...] | None = None


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
    decoder = _decoder(name)
    if decoder is None:
        return value
    try:
        return decoder(value)
    except (WireError, DecodeError):
        return value


def _decoder(name: str) -> Callable[[bytes], Any] | None:
    if name in VARIABLE_COLLECTIONS:
        return _variable
    return {_QUEUE_RUNNERS: _queue_runner, _ASSETS: _asset}.get(name, _maybe_variable)


def _variable(value: bytes) -> VariableDef:
    message = variable_pb2.VariableDef.FromString(value)
    part = message.save_slice_info_def
    whole = not part.full_name
    return VariableDef(
        name=message.variable_name.removesuffix(":0"),
        initializer=message.initializer_name,
        snapshot=message.snapshot_name,
        is_resource=message.is_resource,
        trainable=message.trainable,
        full_name=None if whole else part.full_name,
        full_shape=None if whole else tuple(part.full_shape),
        offset=None if whole else tuple(part.var_offset),
    )


def _maybe_variable(value: bytes) -> Any:
    """Decodes an item of a collection of the user's own when it can only be a VariableDef."""
    numbers = {field.number for field in fields(value)}
    if not {1, 2, 3} <= numbers or not numbers <= set(range(1, 10)):
        return value
    found = _variable(value)
    named = found.name and found.initializer.startswith(found.name) and found.snapshot
    return found if named else value


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
