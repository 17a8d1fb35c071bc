"""Frozen records of what an artifact holds: one per variable, one per output of an op."""

from dataclasses import dataclass
from typing import Any

# Of a tensor: None for unknown rank, None in the place of an unknown size.
Shape = tuple[int | None, ...] | None
# Function of the library, None for the main graph, and name of an op or tensor in it.
Key = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class VariableEntry:
    """One variable as an artifact describes it, without its value.

    Attributes:
      name: readable name; slim names in name-based checkpoints, paths of the object graph in TF2.
      shape: None where the artifact does not say.
      dtype: TensorFlow's name, such as `float32`, `bfloat16`, `string`.
      parameters: number of elements; 0 where the shape is unknown.
      bytes: size of the stored value; elements times element size where the format hides it.
      trainable: None where the format does not know.
      collections: graph collections that hold the variable.
      slot: whether it is an optimizer's state or a shadow of another variable.
      key: the name under which it is stored.
      shard: name of the file, or files, that hold the value; None for the artifact's only file.
      readable: whether `Artifact.read` can return the value.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str
    parameters: int
    bytes: int
    trainable: bool | None = None
    collections: tuple[str, ...] = ()
    slot: bool = False
    key: str = ""
    shard: str | None = None
    readable: bool = True

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `list-vars` writes; its keys are stable."""
        return {
            "name": self.name,
            "shape": self.shape,
            "dtype": self.dtype,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "trainable": self.trainable,
            "collections": self.collections,
            "slot": self.slot,
            "key": self.key or self.name,
            "shard": self.shard,
        }


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One output of an op in a graph.

    Attributes:
      name: tensor name, `scope/op:0`.
      op: name of the op that makes it.
      op_type: such as `Conv2D`.
      dtype: TensorFlow's name; `unknown` where the graph does not say.
      shape: None for unknown rank; None in the place of an unknown size.
      device: as the graph asks for it; empty where it does not.
      scope: the op's name without its last component.
      function: the function of the library that the op stands in; None for the main graph.
    """

    name: str
    op: str
    op_type: str
    dtype: str
    shape: tuple[int | None, ...] | None
    device: str = ""
    scope: str = ""
    function: str | None = None

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `list-tensors` writes; its keys are stable."""
        return {
            "name": self.name,
            "op": self.op,
            "op_type": self.op_type,
            "dtype": self.dtype,
            "shape": self.shape,
            "device": self.device,
            "function": self.function,
        }


@dataclass(frozen=True, slots=True)
class OpEntry:
    """One op of a graph: a node, or an argument of a function.

    Attributes:
      name: of the op, with its scopes; unique within its function.
      op_type: such as `Conv2D`; `_Arg` for an argument of a function.
      inputs: names of the tensors it takes, `scope/op:0`.
      controls: names of the ops that it runs after.
      outputs: what it makes; empty for an op such as `NoOp`.
      function: the function of the library that it stands in; None for the main graph.
      window: sizes of a pooling op's window along each axis; empty for other ops.
      calls: the function of the library that it calls; None for all but calls.
      equation: of an Einsum, such as `ab,bc->ac`; empty for other ops.
    """

    name: str
    op_type: str
    inputs: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    outputs: tuple[TensorEntry, ...] = ()
    function: str | None = None
    window: tuple[int, ...] = ()
    calls: str | None = None
    equation: str = ""
