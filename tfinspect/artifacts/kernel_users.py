"""Which kind of layer uses a variable as its kernel, told by the ops of a graph.

A depthwise or a transposed kernel has the shape of an ordinary one; its axes mean something else.
"""

from collections.abc import Iterable, Sequence

from tfinspect.artifacts.graph_ops import ARGUMENT
from tfinspect.entries import OpEntry

# Op type -> class of the layer, in Keras's snake case.
_LAYERS = {
    "Conv2D": "conv2d",
    "Conv3D": "conv3d",
    "DepthwiseConv2dNative": "depthwise_conv2d",
    "Conv2DBackpropInput": "conv2d_transpose",
    "Conv3DBackpropInputV2": "conv3d_transpose",
}
_KERNEL = 1
_PASSING = frozenset({"Cast", "Enter", "Identity", "ReadVariableOp"})
# The gradient of a convolution is a transposed one, and the other way round.
_GRADIENTS = "gradient"
_MOST_PASSED = 16
# Functions that call each other deeper than any model's.
_DEEPEST = 50


class KernelUsers:
    """The layers of a graph whose kernels come from outside its functions, or from its variables.

    Args:
      ops: those of the main graph and of all functions.
    """

    def __init__(self, ops: Iterable[OpEntry]) -> None:
        self._bodies: dict[str | None, dict[str, OpEntry]] = {}
        for op in ops:
            self._bodies.setdefault(op.function, {})[op.name] = op
        self._found: dict[str | None, dict[str, str]] = {}
        self._depth = 0

    def of_main(self) -> dict[str, str]:
        """Returns op of the main graph, such as a variable's -> class of the layer it is for."""
        return self._sources(None)

    def of_arguments(self, function: str) -> list[str | None]:
        """Returns the class of the layer that each argument of a function is the kernel of."""
        found = self._sources(function)
        return [found.get(name) for name in self._arguments(function)]

    def _arguments(self, function: str) -> list[str]:
        body = self._bodies.get(function, {})
        return [op.name for op in body.values() if op.op_type == ARGUMENT]

    def _sources(self, function: str | None) -> dict[str, str]:
        if function in self._found:
            return self._found[function]
        # A function that calls itself finds nothing in the inner call.
        self._found[function] = {}
        self._depth += 1
        layers = self._layers(function) if self._depth <= _DEEPEST else {}
        self._depth -= 1
        self._found[function] = {
            name: next(iter(found)) for name, found in layers.items() if len(found) == 1
        }
        return self._found[function]

    def _layers(self, function: str | None) -> dict[str, set[str]]:
        layers: dict[str, set[str]] = {}
        for op in self._bodies.get(function, {}).values():
            for place, layer in self._uses(op):
                if place < len(op.inputs):
                    source = self._source(function, op.inputs[place])
                    layers.setdefault(source, set()).add(layer)
        return layers

    def _uses(self, op: OpEntry) -> Sequence[tuple[int, str]]:
        """Returns the inputs of an op that are kernels, and of which layer."""
        if op.calls is not None:
            return [(n, layer) for n, layer in enumerate(self.of_arguments(op.calls)) if layer]
        if op.op_type in _LAYERS and not op.name.startswith(_GRADIENTS):
            return [(_KERNEL, _LAYERS[op.op_type])]
        return ()

    def _source(self, function: str | None, tensor: str) -> str:
        """Returns the op that a tensor comes from, behind those that only pass it on."""
        body = self._bodies[function]
        name = tensor.rpartition(":")[0]
        for _ in range(_MOST_PASSED):
            op = body.get(name)
            if op is None or op.op_type not in _PASSING or not op.inputs:
                break
            name = op.inputs[0].rpartition(":")[0]
        return name
