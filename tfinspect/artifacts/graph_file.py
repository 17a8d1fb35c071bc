"""The bytes of a graph file, and which message they are: GraphDef, MetaGraphDef or SavedModel.

The name of a file says little: a `.pb` may hold any of the three, as text or binary. A text is
turned into the binary form first, so that there is one way to read both.
"""

import mmap
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfinspect.artifacts.wire import LENGTH, VARINT, Field, WireError, fields
from tfinspect.errors import ArtifactError

GRAPH_DEF, META_GRAPH, SAVED_MODEL = "GraphDef", "MetaGraphDef", "SavedModel"
# A text is parsed in memory, field by field in Python: a larger one would take minutes.
LARGEST_TEXT = 32 << 20
_LONGEST_REASON = 300
# A message of a few letters takes as much time and memory as one of a hundred.
MOST_TEXT_MESSAGES = 1 << 19
_FIRST_FIELDS = 64
_TEXT_START = re.compile(rb"(?:\s|#[^\n]*\n)*([a-z_]+)\s*[:{<]")
_TEXT_FIELDS = {
    "node": GRAPH_DEF,
    "library": GRAPH_DEF,
    "version": GRAPH_DEF,
    "versions": GRAPH_DEF,
    "meta_info_def": META_GRAPH,
    "graph_def": META_GRAPH,
    "saver_def": META_GRAPH,
    "collection_def": META_GRAPH,
    "signature_def": META_GRAPH,
    "asset_file_def": META_GRAPH,
    "object_graph_def": META_GRAPH,
    "saved_model_schema_version": SAVED_MODEL,
    "meta_graphs": SAVED_MODEL,
}
_OP_NAME = re.compile(rb"[A-Za-z_][\w>.]*")

# A mapped file can be indexed and sliced as bytes can.
Data = Any


@dataclass(frozen=True)
class GraphFile:
    """A file's content as one binary message.

    Attributes:
      path: of the file.
      message: GRAPH_DEF, META_GRAPH or SAVED_MODEL.
      data: the message, mapped from the file or converted from text.
      is_text: whether the file is a text.
    """

    path: str
    message: str
    data: Data
    is_text: bool


def read_graph_file(path: str) -> GraphFile:
    """Maps a graph file into memory and finds out which message it is.

    Raises:
      ArtifactError: it is empty, none of the three, or a text that is too large or has errors.
    """
    data = _mapped(path)
    found = _TEXT_START.match(data[: 1 << 16])
    if found and b"\0" not in data[: 1 << 10]:
        message = _TEXT_FIELDS.get(found[1].decode())
        if message is None:
            raise _no_graph(path, f"it is a text that begins with '{found[1].decode()}'")
        return GraphFile(path, message, _binary(path, data, message), True)
    return GraphFile(path, _message(path, data), data, False)


def _mapped(path: str) -> Data:
    if os.path.getsize(path) == 0:
        raise ArtifactError(f"'{path}' is empty; write it again where it came from.")
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _no_graph(path: str, reason: str) -> ArtifactError:
    return ArtifactError(
        f"'{path}' holds no GraphDef, MetaGraphDef or SavedModel ({reason}); give another file."
    )


def _message(path: str, data: Data) -> str:
    """Tells the three messages apart by the first field of each number."""
    found: dict[int, Field] = {}
    try:
        for _, field in zip(range(_FIRST_FIELDS), fields(data), strict=False):
            if found.setdefault(field.number, field) is field:
                message = _message_of(data, found)
                if message:
                    return message
    except WireError as error:
        raise _no_graph(path, f"{error}") from error
    raise _no_graph(path, "none of its first fields is one of theirs")


def _message_of(data: Data, found: Mapping[int, Field]) -> str | None:
    """Returns the message that has these fields; None while it may be another one."""
    first, second = found.get(1), found.get(2)
    if first and first.wire_type == LENGTH and _is_node(data, first):
        return GRAPH_DEF
    if second and second.wire_type == LENGTH:
        if first and first.wire_type == VARINT:
            return SAVED_MODEL
        return META_GRAPH if first or _holds_nodes(data, second) else GRAPH_DEF
    if first is None and 4 in found and found[4].wire_type == LENGTH:
        # A graph without nodes has its versions there, which begin with a number.
        inner = next(fields(data, found[4].start, found[4].end), None)
        return GRAPH_DEF if inner is None or inner.wire_type == VARINT else None
    return None


def _is_node(data: Data, field: Field) -> bool:
    """Tells a NodeDef, which has an op's name as its second field, from a MetaInfoDef."""
    for part in fields(data, field.start, field.end):
        if part.number == 2 and part.wire_type == LENGTH:
            return _OP_NAME.fullmatch(data[part.start : part.end]) is not None
    return False


def _holds_nodes(data: Data, field: Field) -> bool:
    for part in fields(data, field.start, field.end):
        if part.number == 1 and part.wire_type == LENGTH:
            return _is_node(data, part)
    return False


def _binary(path: str, data: Data, message: str) -> bytes:
    """Parses a text and returns the same message in binary form."""
    if len(data) > LARGEST_TEXT:
        raise ArtifactError(
            f"'{path}' is a text of {len(data):,} bytes, more than {LARGEST_TEXT:,}; "
            "write the graph in binary form (`as_text=False`)."
        )
    content = data[:]
    messages = content.count(b"{") + content.count(b"<")
    if messages > MOST_TEXT_MESSAGES:
        raise ArtifactError(
            f"'{path}' is a text of {messages:,} messages, more than {MOST_TEXT_MESSAGES:,}; "
            "write the graph in binary form (`as_text=False`)."
        )
    from google.protobuf import text_format

    try:
        text = content.decode("utf-8")
        return _parsed(text, message).SerializeToString()
    except (text_format.ParseError, UnicodeDecodeError, RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"{error}"
        raise ArtifactError(
            f"'{path}' is no valid text of a {message}: {_plain(reason)}; "
            "write it again where it came from."
        ) from error


def _plain(reason: str) -> str:
    # TensorBoard's copies of the messages are what is parsed with.
    words = " ".join(reason.split()).replace('"tensorboard.', '"')
    # It may quote a line of any length.
    return words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]}…"


def _parsed(text: str, message: str) -> Any:
    from google.protobuf import text_format
    from tensorboard.compat.proto import graph_pb2, meta_graph_pb2

    if message == GRAPH_DEF:
        return text_format.Parse(text, graph_pb2.GraphDef())
    if message == META_GRAPH:
        return text_format.Parse(text, meta_graph_pb2.MetaGraphDef())
    return text_format.Parse(text, _saved_model_class()())


def _saved_model_class() -> Any:
    """Makes the SavedModel message, which TensorBoard's messages lack, in a pool of its own."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from tensorboard.compat.proto import meta_graph_pb2

    pool = descriptor_pool.DescriptorPool()
    _add_with_dependencies(pool, meta_graph_pb2.DESCRIPTOR)
    made = descriptor_pb2.FileDescriptorProto(
        name="tfinspect/saved_model.proto", package="tfinspect", syntax="proto3"
    )
    made.dependency.append(meta_graph_pb2.DESCRIPTOR.name)
    saved = made.message_type.add(name="SavedModel")
    saved.field.add(name="saved_model_schema_version", number=1, type=3, label=1)
    kind = f".{meta_graph_pb2.MetaGraphDef.DESCRIPTOR.full_name}"
    saved.field.add(name="meta_graphs", number=2, type=11, label=3, type_name=kind)
    pool.Add(made)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tfinspect.SavedModel"))


def _add_with_dependencies(pool: Any, file: Any) -> None:
    from google.protobuf import descriptor_pb2

    for dependency in file.dependencies:
        _add_with_dependencies(pool, dependency)
    made = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(made)
    pool.AddSerializedFile(made.SerializeToString())
