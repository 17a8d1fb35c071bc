"""Where parameters meet the batch: the ops that take a parameter and something of the examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.probe.gradients.batch_axis import SHAPE_OPS, BatchAxis

Op = Any
Tensor = Any
_READS = ("ReadVariableOp", "Identity", "Cast", "Reshape", "ExpandDims", "Squeeze")


@dataclass(frozen=True, eq=False)
class Site:
    """One op that a parameter enters.

    Attributes:
      op: its first output depends on the examples.
      index: of the input that is the parameter.
      names: variables that the parameter is computed from.
    """

    op: Op
    index: int
    names: frozenset[str]

    @property
    def parameter(self) -> Tensor:
        """The tensor that enters the op; a resource handle where the op reads it itself."""
        return self.op.inputs[self.index]

    @property
    def direct(self) -> bool:
        """Whether the parameter is one variable, cast and reshaped at most."""
        tensor = self.parameter
        while tensor.op.type in _READS and _keeps_gradient(tensor.op):
            tensor = tensor.op.inputs[0]
        return tensor.dtype == tf.resource and len(self.names) == 1


def _keeps_gradient(op: Op) -> bool:
    # A cast to integers has none.
    return op.type != "Cast" or (op.inputs[0].dtype.is_floating and op.outputs[0].dtype.is_floating)


def handles(graph: Any, variables: Mapping[str, Any]) -> dict[int, str]:
    """Returns the name of a variable by the id of the placeholder of its handle in a graph."""
    names = {id(variable.handle): name for name, variable in variables.items()}
    return {
        id(placeholder): names[id(captured)]
        for captured, placeholder in graph.captures
        if id(captured) in names
    }


def find_sites(ops: Sequence[Op], axis: BatchAxis, named: Mapping[int, str]) -> list[Site]:
    """Returns every place where one of the named handles' values meets the examples.

    Args:
      ops: in the order of their creation.
      axis: which tensors depend on the examples.
      named: id of a handle's placeholder -> name of the variable.
    """
    depends = {handle: frozenset([name]) for handle, name in named.items()}
    sites = []
    for op in ops:
        if op.type in SHAPE_OPS:
            continue
        names = [depends.get(id(tensor), frozenset()) for tensor in op.inputs]
        if any(id(output) in axis.reached for output in op.outputs):
            sites += [Site(op, index, found) for index, found in enumerate(names) if found]
        elif found := frozenset[str]().union(*names):
            depends.update((id(output), found) for output in op.outputs)
    return sites
