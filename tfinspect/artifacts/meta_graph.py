"""MetaGraphs: a graph with the definitions of its ops, collections, signatures and assets.

Source: `tensorflow/core/protobuf/meta_graph.proto`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from tensorboard.compat.proto import meta_graph_pb2, op_def_pb2

from tfinspect.artifacts import slot_names
from tfinspect.artifacts.collection_items import decode
from tfinspect.artifacts.graph_artifact import GraphArtifact
from tfinspect.artifacts.graph_file import GraphFile
from tfinspect.artifacts.graph_ops import GraphVariable
from tfinspect.artifacts.graph_proto import Range, messages, parse
from tfinspect.artifacts.op_outputs import OpDefinitions, from_op_def
from tfinspect.artifacts.signatures import Signature, signature
from tfinspect.artifacts.variable_defs import TRAINABLE, VariableDef, held_by
from tfinspect.artifacts.wire import fields
from tfinspect.entries import VariableEntry

_INFO, _GRAPH, _SAVER, _COLLECTION, _SIGNATURE, _ASSET = range(1, 7)
_OP_LIST, _OP = 2, 1
_TAGS = 4


class MetaGraph(GraphArtifact):
    """A MetaGraphDef, of a `.meta` file or in a SavedModel.

    Attributes:
      ranges: where the MetaGraphDef lies in its file.
    """

    def __init__(self, path: str, kind: str, file: GraphFile, ranges: list[Range]) -> None:
        super().__init__(path, kind, file, [])
        self.ranges = ranges
        self.graph_ranges = self.parts(_GRAPH)

    def parts(self, number: int) -> list[Range]:
        """Returns where the sub-messages of one field of the MetaGraphDef lie."""
        return self.checked(lambda: messages(self.file.data, self.ranges, number))

    def parsed(self, message: Any, places: list[Range]) -> Any:
        """Parses some ranges as one message.

        Raises:
          ArtifactError: they are no such message.
        """
        return self.checked(lambda: parse(message, self.file.data, places))

    @cached_property
    def definitions(self) -> OpDefinitions:
        """The definitions that the file carries; TensorFlow's own for ops that it leaves out."""
        infos = self.parts(_INFO)
        lists = self.checked(lambda: messages(self.file.data, infos, _OP_LIST))
        op_defs = self.parsed(op_def_pb2.OpList, lists).op
        return OpDefinitions({op_def.name: from_op_def(op_def) for op_def in op_defs})

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Tags under which a SavedModel holds the graph."""
        infos = self.parts(_INFO)
        places = self.checked(lambda: messages(self.file.data, infos, _TAGS))
        return tuple(
            self.file.data[start:end].decode("utf-8", "backslashreplace") for start, end in places
        )

    @cached_property
    def collections(self) -> Mapping[str, Sequence[Any]]:
        """Graph collections, decoded; by name, sorted."""
        message = self._message(_COLLECTION)
        return {
            name: decode(name, message.collection_def[name])
            for name in sorted(message.collection_def)
        }

    @cached_property
    def signatures(self) -> Mapping[str, Signature]:
        """Signature name -> its inputs and outputs with dtypes and shapes."""
        message = self._message(_SIGNATURE)
        return {
            name: signature(name, message.signature_def[name])
            for name in sorted(message.signature_def)
        }

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """Names of the files that the graph reads."""
        return tuple(self._asset_names())

    def _asset_names(self) -> list[str]:
        return [asset.filename for asset in self._message(_ASSET).asset_file_def]

    @cached_property
    def saver_tensors(self) -> frozenset[str]:
        """Names of the ops by which the graph saves and restores, and is told of its assets."""
        saver = self._message(_SAVER).saver_def
        names = [saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name]
        names += [asset.tensor_info.name for asset in self._message(_ASSET).asset_file_def]
        return frozenset(name.partition(":")[0] for name in names if name)

    def _message(self, number: int) -> Any:
        """Parses one field of the MetaGraphDef, and nothing else of it."""
        places = self.checked(lambda: list(self._with_tags(number)))
        return self.parsed(meta_graph_pb2.MetaGraphDef, places)

    def _with_tags(self, number: int) -> Iterator[Range]:
        for begin, end in self.ranges:
            start = begin
            for part in fields(self.file.data, begin, end):
                if part.number == number:
                    yield start, part.end
                start = part.end

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """The graph's variables; partitioned ones whole, as a checkpoint has them."""
        parts = self._variable_parts
        held = self.collections_of_variables
        slots = slot_names.slots({_whole_name(parts, name) for name in self.graph.variables})
        trains = TRAINABLE in self.collections
        entries: dict[str, VariableEntry] = {}
        for name, found in self.graph.variables.items():
            whole = self._whole(found)
            if whole.name not in entries:
                entry = self._described(whole, readable=False)
                entries[whole.name] = replace(
                    entry,
                    collections=held.get(name, ()),
                    trainable=TRAINABLE in held.get(name, ()) if trains else None,
                    slot=whole.name in slots,
                )
        return tuple(entries.values())

    @cached_property
    def collections_of_variables(self) -> Mapping[str, tuple[str, ...]]:
        """Name of a variable, whole or a part of one -> the collections that hold it."""
        return held_by(self.collections)

    @cached_property
    def _variable_parts(self) -> Mapping[str, VariableDef]:
        return {
            item.name: item
            for items in self.collections.values()
            for item in items
            if isinstance(item, VariableDef) and item.full_name
        }

    def _whole(self, found: GraphVariable) -> GraphVariable:
        part = self._variable_parts.get(found.name)
        if part is None or part.full_name is None:
            return found
        return GraphVariable(part.full_name, found.dtype, part.full_shape)


def _whole_name(parts: Mapping[str, VariableDef], name: str) -> str:
    part = parts.get(name)
    return name if part is None or part.full_name is None else part.full_name
