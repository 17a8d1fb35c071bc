"""The ops of a graph and of its functions, with names, dtypes and shapes of what they make.

Tensor names are those that TensorFlow gives after an import, `scope/op:0`, in functions too, where
the file says `op:output_name:0`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfinspect.artifacts.dtypes import dtype_name
from tfinspect.artifacts.graph_file import Data
from tfinspect.artifacts.graph_proto import (
    FunctionParts,
    GraphRanges,
    Range,
    parse_functions,
    parse_node,
)
from tfinspect.artifacts.op_outputs import MOST_OUTPUTS, OpDefinitions, OpOutputs, from_op_def
from tfinspect.artifacts.wire import WireError
from tfinspect.entries import OpEntry, TensorEntry
from tfinspect.names import decimal

Shape = tuple[int | None, ...] | None
ARGUMENT = "_Arg"
# A limit against broken files, in which a few bytes can declare many outputs.
MOST_TENSORS = 1 << 19
VARIABLE_OPS = frozenset({"Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp"})
# Ops whose attribute `shape` is the shape of what they make.
_SHAPED_OPS = frozenset(
    {"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "TemporaryVariable"}
) | (VARIABLE_OPS - {"VarHandleOp"})
_POOLING_OPS = frozenset({"AvgPool", "AvgPool3D", "MaxPool", "MaxPool3D", "MaxPoolWithArgmax"})
_HANDLE_OPS = frozenset({"VarHandleOp"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# Before this version of the format, a placeholder's empty shape stood for an unknown one.
_STRICT_PLACEHOLDERS = 24


@dataclass(frozen=True)
class GraphVariable:
    """A variable as its op in the graph describes it."""

    name: str
    dtype: str
    shape: Shape


@dataclass
class GraphOps:
    """What was read from a graph.

    Attributes:
      ops: of the main graph, then of each function.
      variables: by name, of the main graph.
      constants: name of a Const op of the main graph -> where its node lies, for its value.
      unknown: op types that are defined nowhere -> how many ops are of it.
      functions: names of the library's functions.
    """

    ops: list[OpEntry] = field(default_factory=list)
    variables: dict[str, GraphVariable] = field(default_factory=dict)
    constants: dict[str, Range] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)


def read_ops(
    data: Data, ranges: GraphRanges, definitions: OpDefinitions, producer: int
) -> GraphOps:
    """Reads the ops of a graph.

    Args:
      data: the file.
      ranges: where the parts of the GraphDef lie in it.
      definitions: of the ops.
      producer: version of the format that the graph was written in.

    Raises:
      WireError: a node or a function is broken; the text says where.
    """
    found = GraphOps()
    functions = list(parse_functions(data, ranges.functions))
    signatures = {parts.message.signature.name: parts.message.signature for parts in functions}
    reader = _Reader(data, definitions, signatures, producer, found)
    reader.read_main(ranges.nodes)
    for parts in functions:
        reader.read_function(parts)
    return found


class _Reader:
    def __init__(
        self,
        data: Data,
        definitions: OpDefinitions,
        signatures: Mapping[str, Any],
        producer: int,
        found: GraphOps,
    ) -> None:
        self._data = data
        self._definitions = definitions
        self._signatures = signatures
        self._of_functions: dict[str, OpOutputs] = {}
        self._producer = producer
        self._found = found
        self._tensors = 0
        # Gradients may wait for hundreds of ops each: their names are kept once.
        self._names: dict[str, str] = {}

    def read_main(self, places: Sequence[Range]) -> None:
        for place in places:
            node = self._node(place)
            outputs = self._outputs(node)
            self._found.ops.append(self._op(node, outputs, None, node.input))
            if node.op == "Const":
                self._found.constants[node.name] = place
            elif node.op in VARIABLE_OPS:
                self._found.variables[node.name] = _variable(node)

    def read_function(self, parts: FunctionParts) -> None:
        signature = parts.message.signature
        self._found.functions.append(signature.name)
        nodes = [self._node(place) for place in parts.nodes]
        outputs = [self._outputs(node) for node in nodes]
        starts = {node.name: _first_places(made) for node, made in zip(nodes, outputs, strict=True)}
        self._found.ops += _arguments(parts.message)
        for node, made in zip(nodes, outputs, strict=True):
            inputs = [_flat_name(name, starts) for name in node.input]
            self._found.ops.append(self._op(node, made, signature.name, inputs))

    def _op(
        self,
        node: Any,
        outputs: Sequence[tuple[str, str]],
        function: str | None,
        inputs: Sequence[str],
    ) -> OpEntry:
        name, op_type, device = node.name, node.op, node.device
        self._count(len(outputs))
        scope = name.rpartition("/")[0]
        shapes = self._shapes(node, len(outputs))
        tensors = tuple(
            TensorEntry(f"{name}:{index}", name, op_type, dtype, shape, device, scope, function)
            for index, ((_, dtype), shape) in enumerate(zip(outputs, shapes, strict=True))
        )
        taken, after = self._parted(inputs)
        window = tuple(node.attr["ksize"].list.i) if op_type in _POOLING_OPS else ()
        called = node.attr["f"].func.name if op_type in _CALLS else None
        equation = node.attr["equation"].s.decode("ascii", "replace") if op_type == "Einsum" else ""
        return OpEntry(name, op_type, taken, after, tensors, function, window, called, equation)

    def _parted(self, inputs: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the tensors that a node takes, and the ops that it runs after."""
        taken: list[str] = []
        after: list[str] = []
        for one in inputs:
            known = self._names.get(one)
            if known is None:
                known = one[1:] if one[:1] == "^" else one if ":" in one else f"{one}:0"
                self._names[one] = known
            (after if one[:1] == "^" else taken).append(known)
        return tuple(taken), tuple(after)

    def _count(self, outputs: int) -> None:
        self._tensors += outputs
        if self._tensors > MOST_TENSORS:
            raise WireError(f"its ops have more than {MOST_TENSORS:,} outputs")

    def _node(self, place: Range) -> Any:
        try:
            node = parse_node(self._data, place)
            if not node.name or not node.op:
                raise WireError("it has no name or no op type")
            return node
        except WireError as error:
            raise WireError(f"the node at byte {place[0]:,} is broken: {error}") from error

    def _outputs(self, node: Any) -> list[tuple[str, str]]:
        definition = self._definition(node.op)
        if definition is not None:
            try:
                return definition.tensors(node.attr)
            except WireError as error:
                raise WireError(f"the node '{node.name}' is broken: {error}") from error
        self._found.unknown[node.op] = self._found.unknown.get(node.op, 0) + 1
        listed = node.attr["_output_shapes"].list.shape if "_output_shapes" in node.attr else [None]
        return [("", "unknown")] * len(listed)

    def _definition(self, op: str) -> OpOutputs | None:
        definition = self._definitions.get(op)
        if definition is None and op in self._signatures:
            # A node may call a function of the library by its name.
            if op not in self._of_functions:
                self._of_functions[op] = from_op_def(self._signatures[op])
            return self._of_functions[op]
        return definition

    def _shapes(self, node: Any, count: int) -> list[Shape]:
        if node.op == "Const":
            # What the value says is what is read, whatever is noted beside it.
            return [shape_of(node.attr["value"].tensor.tensor_shape)] * count
        if "_output_shapes" in node.attr:
            listed = [shape_of(shape) for shape in node.attr["_output_shapes"].list.shape]
            if len(listed) == count:
                return listed
        if node.op in _HANDLE_OPS:
            return [()] * count
        if node.op in _SHAPED_OPS and "shape" in node.attr:
            return [self._declared_shape(node)] * count
        return [None] * count

    def _declared_shape(self, node: Any) -> Shape:
        shape = shape_of(node.attr["shape"].shape)
        if shape == () and node.op == "Placeholder" and self._producer < _STRICT_PLACEHOLDERS:
            return None
        return shape


def shape_of(message: Any) -> Shape:
    """Returns the shape in a TensorShapeProto: None for unknown rank, and for an unknown size."""
    if message.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in message.dim)


def _variable(node: Any) -> GraphVariable:
    shape = shape_of(node.attr["shape"].shape) if "shape" in node.attr else None
    return GraphVariable(node.name, dtype_name(node.attr["dtype"].type), shape)


def _first_places(outputs: Sequence[tuple[str, str]]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, (name, _) in enumerate(outputs):
        places.setdefault(name, place)
    return places


def _flat_name(name: str, starts: Mapping[str, Mapping[str, int]]) -> str:
    """Turns `op:output_name:1`, as the nodes of a function say, into `op:2`."""
    op, _, place = name.partition(":")
    if not place:
        return name
    output, _, index = place.rpartition(":")
    number = decimal(index)
    if number is None or number > MOST_OUTPUTS:
        return name
    return f"{op}:{starts.get(op, {}).get(output, 0) + number}"


def _arguments(function: Any) -> list[OpEntry]:
    """Lists the arguments of a function as ops without inputs."""
    name = function.signature.name
    return [
        OpEntry(arg.name, ARGUMENT, (), (), (_argument(function, place, arg),), name)
        for place, arg in enumerate(function.signature.input_arg)
    ]


def _argument(function: Any, place: int, arg: Any) -> TensorEntry:
    shape: Shape = None
    if place in function.arg_attr:
        attributes = function.arg_attr[place].attr
        listed = attributes["_output_shapes"].list.shape if "_output_shapes" in attributes else []
        shape = shape_of(listed[0]) if len(listed) == 1 else None
    dtype = dtype_name(arg.type)
    return TensorEntry(
        f"{arg.name}:0", arg.name, ARGUMENT, dtype, shape, function=function.signature.name
    )
