"""What every artifact with a graph has: ops, their outputs, constants."""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from tensorboard.compat.proto import versions_pb2

from tfinspect.artifacts import locate, slot_names
from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.constant_value import constant_value
from tfinspect.artifacts.dtypes import element_bytes, is_readable, numpy_dtype
from tfinspect.artifacts.graph_file import GraphFile
from tfinspect.artifacts.graph_ops import GraphOps, GraphVariable, read_ops
from tfinspect.artifacts.graph_proto import GraphRanges, Range, constant_tensor, parse, scan_graph
from tfinspect.artifacts.kernel_users import KernelUsers
from tfinspect.artifacts.op_outputs import OpDefinitions
from tfinspect.artifacts.wire import WireError
from tfinspect.entries import OpEntry, TensorEntry, VariableEntry
from tfinspect.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

Result = TypeVar("Result")


class GraphArtifact(Artifact):
    """An artifact that holds a GraphDef.

    Attributes:
      file: the file that the graph is in.
      graph_ranges: where the GraphDef lies in it.
    """

    def __init__(self, path: str, kind: str, file: GraphFile, graph_ranges: list[Range]) -> None:
        super().__init__(path, f"{kind} (text)" if file.is_text else kind)
        self.file = file
        self.graph_ranges = graph_ranges

    def checked(self, read: Callable[[], Result]) -> Result:
        """Calls a function that reads the file, and words what it finds broken.

        Raises:
          ArtifactError: in place of a WireError.
        """
        try:
            return read()
        except WireError as error:
            raise ArtifactError(
                f"'{self.file.path}' is broken: {error}; get the file again from where it came."
            ) from error

    def graph_def(self) -> bytes:
        """Returns the serialized GraphDef, for TensorFlow."""
        return b"".join(self.file.data[start:end] for start, end in self.graph_ranges)

    @cached_property
    def _parts(self) -> GraphRanges:
        return self.checked(lambda: scan_graph(self.file.data, self.graph_ranges))

    @cached_property
    def producer(self) -> int:
        """Version of the graph format that the graph was written in; 0 where it does not say."""
        parts = self._parts.versions
        return self.checked(lambda: parse(versions_pb2.VersionDef, self.file.data, parts).producer)

    @cached_property
    def definitions(self) -> OpDefinitions:
        """The definitions of the graph's ops; a bare GraphDef carries none."""
        return OpDefinitions()

    @cached_property
    def graph(self) -> GraphOps:
        """All that was read from the graph."""
        return self.checked(
            lambda: read_ops(self.file.data, self._parts, self.definitions, self.producer)
        )

    @cached_property
    def ops(self) -> tuple[OpEntry, ...]:
        """Every op of the main graph, then of each function."""
        return tuple(self.graph.ops)

    @cached_property
    def tensors(self) -> tuple[TensorEntry, ...]:
        """The outputs of all ops."""
        return tuple(tensor for op in self.graph.ops for tensor in op.outputs)

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions in the graph's library."""
        return tuple(self.graph.functions)

    @cached_property
    def kernel_users(self) -> KernelUsers:
        """What the ops tell of the variables that they take as kernels."""
        return KernelUsers(self.ops)

    @cached_property
    def layer_classes(self) -> Mapping[str, str]:
        """Variable -> class of its layer, as far as the ops of the main graph tell."""
        return self.kernel_users.of_main()

    @cached_property
    def saver_tensors(self) -> frozenset[str]:
        """Names of the ops by which the graph saves and restores; empty where it does not say."""
        return frozenset()

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the reader could not list or read, in sentences."""
        return self.graph_notes

    @cached_property
    def graph_notes(self) -> tuple[str, ...]:
        """Ops that are defined nowhere."""
        unknown = self.graph.unknown
        if not unknown:
            return ()
        return (
            f"{sum(unknown.values())} ops are of types that neither the file nor TensorFlow "
            f"defines ({', '.join(sorted(unknown)[:5])}): the number and dtypes of their outputs "
            "are not known.",
        )

    def entry(self, name: str) -> VariableEntry:
        """Returns the entry of a variable, or of any constant of the main graph.

        Raises:
          ArtifactError: there is neither.
        """
        plain = name.removesuffix(":0")
        if plain in self._by_name or plain not in self.graph.constants:
            return super().entry(plain)
        return self._constant(plain)

    def _constant(self, name: str) -> VariableEntry:
        tensor = self._constant_tensors[name]
        return self._described(GraphVariable(name, tensor.dtype, tensor.shape), readable=True)

    @cached_property
    def _constant_tensors(self) -> dict[str, TensorEntry]:
        constants = self.graph.constants
        return {
            tensor.op: tensor
            for tensor in self.tensors
            # A broken graph may have another op of a constant's name.
            if tensor.function is None and tensor.op in constants and tensor.op_type == "Const"
        }

    def _described(self, found: GraphVariable, *, readable: bool) -> VariableEntry:
        shape = found.shape
        known = shape is not None and None not in shape
        elements = math.prod(shape) if known else 0  # type: ignore[arg-type]
        return VariableEntry(
            name=found.name,
            shape=shape if known else None,  # type: ignore[arg-type]
            dtype=found.dtype,
            parameters=elements,
            bytes=elements * element_bytes(found.dtype),
            slot=found.name in self._slots,
            key=found.name,
            readable=readable and is_readable(found.dtype),
        )

    @cached_property
    def _slots(self) -> frozenset[str]:
        return slot_names.slots(self.graph.variables)

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says where the value of a variable is to be found."""
        if is_readable(entry.dtype):
            checkpoint = self._beside() or "the checkpoint that belongs to it"
            return (
                f"'{entry.name}' is a variable: '{self.path}' ({self.kind}) describes it and holds "
                f"no value; open {checkpoint}."
            )
        return super().why_unreadable(entry)

    def is_lost(self, entry: VariableEntry) -> bool:
        """Tells that none is: a graph holds no values of variables."""
        del entry
        return False

    def _beside(self) -> str | None:
        """Names the checkpoint beside a `.meta` file."""
        prefix = self.path.removesuffix(".meta")
        if prefix == self.path:
            return None
        found = locate.bundle_prefix(prefix) or locate.saved_slices(prefix)
        return found and f"'{found}'"

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        place = self.graph.constants[entry.key]
        try:
            value = constant_value(self.file, constant_tensor(self.file.data, place))
        except (WireError, ValueError) as error:
            raise ArtifactError(f"constant '{entry.name}' in '{self.path}': {error}.") from error
        listed = object if entry.dtype == "string" else numpy_dtype(entry.dtype)
        if value.dtype != listed:
            raise ArtifactError(
                f"constant '{entry.name}' in '{self.path}': its value is a {value.dtype}, and the "
                f"op makes a {entry.dtype}; get the file again from where it came."
            )
        return value
