"""What a stored graph can be fed, by every name that callers know it by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError
from tfinspect.model.nodes import tensor_name
from tfinspect.play.feeds import Place


@dataclass(frozen=True)
class StoredInputs:
    """The tensors of a stored graph.

    Attributes:
      tensors: name with the output's number -> its entry.
      keys: of the signatures: key of an input or output -> tensor.
      variables: names of the variables.
    """

    tensors: Mapping[str, Any] = field(repr=False)
    keys: Mapping[str, str]
    variables: frozenset[str] = field(repr=False)

    def names(self) -> list[str]:
        """Returns all names: of signatures, tensors, and of ops for their first output."""
        ops = [name.removesuffix(":0") for name in self.tensors if name.endswith(":0")]
        return [*self.keys, *self.tensors, *ops]

    def tensor(self, name: str) -> str:
        """Returns the tensor of a name; a tensor's own name comes before a signature's key."""
        exact = tensor_name(name)
        return exact if exact in self.tensors else self.keys.get(name, exact)

    def is_variable(self, name: str) -> bool:
        """Tells whether a name is a variable's."""
        return name in self.variables

    def place(self, name: str) -> Place:
        """Returns the tensor that a value of this name is fed to."""
        entry = self.tensors[self.tensor(name)]
        return Place(name, entry.dtype, entry.shape)


def stored_inputs(source: str, signature: str | None) -> StoredInputs | None:
    """Reads what a stored graph can be fed; None for models of other kinds.

    Args:
      source: a path, or a network's name.
      signature: of a SavedModel; None takes the keys of all.

    Raises:
      ArtifactError: the file is broken.
    """
    import os

    from tfinspect.artifacts.graph_artifact import GraphArtifact

    if not os.path.exists(os.path.expanduser(source)):
        return None
    try:
        artifact = open_artifact(source)
    except ArtifactError:
        # `load_model` says what is wrong with it.
        return None
    if not isinstance(artifact, GraphArtifact):
        return None
    chosen = [one for name, one in artifact.signatures.items() if signature in (None, name)]
    keys = {tensor.key: tensor.name for one in chosen for tensor in (*one.inputs, *one.outputs)}
    return StoredInputs(
        {tensor.name: tensor for tensor in artifact.tensors if tensor.function is None},
        keys,
        frozenset(entry.name for entry in artifact.variables),
    )
