"""Bare graphs (GraphDef), binary or text, frozen or with variables."""

import os
from functools import cached_property

from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.graph_artifact import GraphArtifact
from tfinspect.artifacts.graph_file import GRAPH_DEF, META_GRAPH, GraphFile, read_graph_file
from tfinspect.artifacts.graph_ops import GraphVariable
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.names import counted

_WEIGHT_DTYPES = ("float", "bfloat", "complex", "qint", "quint")
# Ops by which a frozen variable is read: `weights/read`, `weights/ReadVariableOp`.
_READ_OPS = frozenset({"Identity", "ReadVariableOp"})


def open_graph(path: str) -> Artifact:
    """Opens a `.pb`, `.pbtxt` or `.meta` file by what it holds.

    Raises:
      ArtifactError: it holds no graph, is broken, or is a SavedModel under another name.
    """
    from tfinspect.artifacts.meta_graph import MetaGraph

    file = read_graph_file(path)
    if file.message == GRAPH_DEF:
        return GraphDefFile(file)
    if file.message == META_GRAPH:
        return MetaGraph(path, "MetaGraph", file, [(0, len(file.data))])
    extension = "pbtxt" if file.is_text else "pb"
    raise ArtifactError(
        f"'{path}' is the graph of a SavedModel under another name; call it 'saved_model."
        f"{extension}', beside its directory '{os.path.join(os.path.dirname(path), 'variables')}', "
        "and give the directory of both."
    )


class GraphDefFile(GraphArtifact):
    """A GraphDef without anything around it."""

    def __init__(self, file: GraphFile) -> None:
        super().__init__(file.path, "GraphDef", file, [(0, len(file.data))])

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """The variables; of a frozen graph, the constants that were variables.

        These are the ones that an op named `.../read` or `.../ReadVariableOp` passes on, and all
        others of a floating-point or quantized type with at least one axis. Shapes, axes and
        scalars are left out; `read` gives their values too.
        """
        declared = self.graph.variables.values()
        if declared:
            return tuple(self._described(found, readable=False) for found in declared)
        return tuple(
            self._described(GraphVariable(tensor.op, tensor.dtype, tensor.shape), readable=True)
            for tensor in self._constant_tensors.values()
            if tensor.op in self._read_constants
            or (tensor.shape and tensor.dtype.startswith(_WEIGHT_DTYPES))
        )

    @cached_property
    def left_out(self) -> str | None:
        """How many constants are taken for no variables, and where they are listed."""
        if self.graph.variables:
            return None
        listed = {variable.name for variable in self.variables}
        left = [t for t in self._constant_tensors.values() if t.shape and t.op not in listed]
        if not left:
            return None
        dtypes = ", ".join(sorted({tensor.dtype for tensor in left}))
        return (
            f"{counted(len(left), 'constant')} of {dtypes}, which are rarely weights; "
            "`tfinspect list-tensors --op-type Const` lists them."
        )

    @cached_property
    def _read_constants(self) -> frozenset[str]:
        return frozenset(
            op.inputs[0].removesuffix(":0")
            for op in self.ops
            if op.function is None
            and op.op_type in _READ_OPS
            and op.inputs
            and op.name.endswith(("/read", "/ReadVariableOp"))
        )
