"""What a stored graph can be fed, by every name that callers know it by."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError
from tfinspect.model.nodes import tensor_name
from tfinspect.play.feeds import Place
from tfinspect.play.signature import played_signature


@dataclass(frozen=True)
class StoredInputs:
    """The tensors of a stored graph.

    Attributes:
      tensors: name with the output's number -> its entry.
      keys: of the signatures: key of an input or output -> tensor.
      variables: names of the variables.
      signature: name of the one that is played; None where none was told.
    """

    tensors: Mapping[str, Any] = field(repr=False)
    keys: Mapping[str, str]
    variables: frozenset[str] = field(repr=False)
    signature: str | None = None

    def names(self) -> list[str]:
        """Returns all names: of signatures, tensors, and of ops for their first output."""
        ops = [name.removesuffix(":0") for name in self.tensors if name.endswith(":0")]
        return [*self.keys, *self.tensors, *ops]

    def tensor(self, name: str) -> str:
        """Returns the tensor of a name; a tensor's own name comes before a signature's key."""
        exact = tensor_name(name)
        return exact if exact in self.tensors else self.keys.get(name, exact)

    def known(self, name: str) -> str:
        """Returns the tensor of a name; a name of none, for a refusal to say, as it is."""
        found = self.tensor(name)
        return found if found in self.tensors else name

    def is_variable(self, name: str) -> bool:
        """Tells whether a name is a variable's."""
        return name in self.variables

    def place(self, name: str) -> Place:
        """Returns the tensor that a value of this name is fed to."""
        entry = self.tensors[self.tensor(name)]
        return Place(name, entry.dtype, entry.shape)


def stored_inputs(source: str, signature: str | None, fed: Collection[str]) -> StoredInputs | None:
    """Reads what a stored graph can be fed; None for models of other kinds.

    Args:
      source: a path, or a network's name.
      signature: of a SavedModel; None takes the one that has all fed inputs, and the keys of all
        where none has any.
      fed: names as the caller gives them.

    Raises:
      ArtifactError: the file is broken.
      ConfigError: there is no such signature, or another one, or several, have what is fed.
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
    tensors = {tensor.name: tensor for tensor in artifact.tensors if tensor.function is None}
    names = {*tensors, *(name.removesuffix(":0") for name in tensors)}
    played = played_signature(artifact.signatures, signature, fed, names, artifact.path)
    chosen = [one for name, one in artifact.signatures.items() if played in (None, name)]
    keys = {tensor.key: tensor.name for one in chosen for tensor in (*one.inputs, *one.outputs)}
    variables = frozenset(entry.name for entry in artifact.variables)
    return StoredInputs(tensors, keys, variables, played)
