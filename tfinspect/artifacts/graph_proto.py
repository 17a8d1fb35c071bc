"""Nodes and functions of a GraphDef, one message at a time, without the values of constants.

Sources: `tensorflow/core/framework/{graph,node_def,function,attr_value,tensor}.proto`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import function_pb2, node_def_pb2, tensor_pb2

from tfinspect.artifacts.graph_file import Data
from tfinspect.artifacts.wire import LENGTH, WireError, fields

Range = tuple[int, int]
# Nodes up to this size are parsed whole; from larger ones the values are left out.
_SMALL = 1 << 16
# Limits against broken files, well above any real graph: a parsed message takes up to some twenty
# times its bytes, an op some hundred times.
MOST_NODES = 1 << 19
_LARGEST_MESSAGE = 32 << 20
# A number of one byte in a list takes eight when it is parsed, and as many as an array.
_LARGEST_TENSOR = 48 << 20
_NODE, _LIBRARY, _VERSIONS = 1, 2, 4
_FUNCTION, _FUNCTION_NODE = 1, 3
_ATTR, _ATTR_KEY, _ATTR_VALUE, _TENSOR = 5, 1, 2, 8
_DTYPE, _SHAPE = 1, 2


@dataclass
class GraphRanges:
    """Where the parts of a GraphDef lie in its file."""

    nodes: list[Range] = field(default_factory=list)
    functions: list[Range] = field(default_factory=list)
    versions: list[Range] = field(default_factory=list)


def messages(data: Data, ranges: list[Range], number: int) -> list[Range]:
    """Returns where the sub-messages of one field lie, in several ranges of one message."""
    return [
        (found.start, found.end)
        for start, end in ranges
        for found in fields(data, start, end)
        if found.number == number and found.wire_type == LENGTH
    ]


def scan_graph(data: Data, ranges: list[Range]) -> GraphRanges:
    """Finds the parts of the GraphDef in some ranges of a file.

    Raises:
      WireError: it is no message.
    """
    found = GraphRanges()
    places = {_NODE: found.nodes, _VERSIONS: found.versions}
    for start, end in ranges:
        for part in fields(data, start, end):
            if part.wire_type != LENGTH:
                continue
            if part.number in places:
                places[part.number].append((part.start, part.end))
                if len(found.nodes) > MOST_NODES:
                    raise WireError(f"it has more than {MOST_NODES:,} nodes")
            elif part.number == _LIBRARY:
                library = [(part.start, part.end)]
                found.functions += messages(data, library, _FUNCTION)
    return found


def parse(message: Any, data: Data, ranges: list[Range]) -> Any:
    """Parses some ranges of a file as one message.

    Raises:
      WireError: they are no such message, or one that is too large.
    """
    size = sum(end - start for start, end in ranges)
    largest = _LARGEST_TENSOR if message is tensor_pb2.TensorProto else _LARGEST_MESSAGE
    if size > largest:
        raise WireError(f"a {message.DESCRIPTOR.name} of {size:,} bytes, more than {largest:,}")
    try:
        return message.FromString(b"".join(data[start:end] for start, end in ranges))
    except DecodeError as error:
        raise WireError(f"no {message.DESCRIPTOR.name} in it") from error


def parse_node(data: Data, place: Range) -> Any:
    """Parses a NodeDef; a large one without the values of its tensors.

    Raises:
      WireError: it is no NodeDef.
    """
    start, end = place
    if end - start <= _SMALL:
        return parse(node_def_pb2.NodeDef, data, [place])
    kept, large = _parted(data, place, _ATTR)
    node = parse(node_def_pb2.NodeDef, data, kept)
    for attr in large:
        _add_attr(node, data, attr)
    return node


def _parted(data: Data, place: Range, number: int) -> tuple[list[Range], list[Range]]:
    """Returns the ranges, with their tags, of a message's other fields, and those of one field."""
    start, end = place
    others, chosen = [], []
    for part in fields(data, start, end):
        if part.number == number and part.wire_type == LENGTH:
            chosen.append((part.start, part.end))
        else:
            others.append((start, part.end))
        start = part.end
    return others, chosen


def _add_attr(node: Any, data: Data, place: Range) -> None:
    tensors = _tensor_ranges(data, place)
    if not tensors:
        entry = node_def_pb2.NodeDef()
        whole = parse(node_def_pb2.NodeDef.AttrEntry, data, [place])
        entry.attr[whole.key].CopyFrom(whole.value)
        node.MergeFrom(entry)
        return
    keys = messages(data, [place], _ATTR_KEY)
    key = b"".join(data[start:end] for start, end in keys[-1:]).decode("utf-8", "replace")
    node.attr[key].tensor.CopyFrom(_described(data, tensors))


def _tensor_ranges(data: Data, attr: Range) -> list[Range]:
    return messages(data, messages(data, [attr], _ATTR_VALUE), _TENSOR)


def _described(data: Data, tensors: list[Range]) -> Any:
    """Parses type and shape of a TensorProto."""
    kept = []
    for start, end in tensors:
        for part in fields(data, start, end):
            if part.number in (_DTYPE, _SHAPE):
                kept.append((start, part.end))
            start = part.end
    return parse(tensor_pb2.TensorProto, data, kept)


def constant_tensor(data: Data, node: Range) -> list[Range]:
    """Returns where the value of a Const node lies: the ranges of its TensorProto.

    Raises:
      WireError: the node has no value.
    """
    for attr in messages(data, [node], _ATTR):
        keys = messages(data, [attr], _ATTR_KEY)
        if any(data[start:end] == b"value" for start, end in keys):
            return _tensor_ranges(data, attr)
    raise WireError("it has no value")


@dataclass
class FunctionParts:
    """A function of a graph's library: its FunctionDef without nodes, and where these lie."""

    message: Any
    nodes: list[Range]


def parse_functions(data: Data, places: list[Range]) -> Iterator[FunctionParts]:
    """Parses the functions of a library.

    Raises:
      WireError: one of them is no FunctionDef.
    """
    for place in places:
        others, nodes = _parted(data, place, _FUNCTION_NODE)
        yield FunctionParts(parse(function_pb2.FunctionDef, data, others), nodes)
