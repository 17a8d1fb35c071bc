"""Which tensors of a model to look at: by name, end point, scope, pattern or op type, or the best.

Only what images alone determine, one value or more for each, can be looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tfinspect.entries import OpEntry, TensorEntry
from tfinspect.errors import ConfigError
from tfinspect.graph_listing import TensorCriteria, select_tensors
from tfinspect.graph_relations import PLACEHOLDERS
from tfinspect.model import Traced
from tfinspect.names import choices
from tfinspect.spread import spread

ACTIVATIONS = ("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus")
# Where no activation is an op of its own: what has weights.
_WEIGHTED = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BiasAdd", "Mul")


@dataclass(frozen=True)
class TensorChoice:
    """Which tensors are wanted; with nothing given, a few from the whole depth of the model.

    Attributes:
      names: of tensors, of ops for their first output, or of end points.
      end_points: names of end points.
      scopes: any of these scopes, by whole path components.
      match: regular expression found anywhere in the tensor's name.
      exclude: regular expressions, none of which is found in the name.
      op_types: any of these types. `scopes`, `match`, `exclude` and `op_types` must all hold;
        what `names` and `end_points` say comes in addition.
    """

    names: tuple[str, ...] = ()
    end_points: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    match: str | None = None
    exclude: tuple[str, ...] = ()
    op_types: tuple[str, ...] = ()

    @property
    def criteria(self) -> TensorCriteria | None:
        """What patterns and types ask for; None if they are not given."""
        if not (self.scopes or self.match is not None or self.exclude or self.op_types):
            return None
        return TensorCriteria(
            scopes=self.scopes, match=self.match, exclude=self.exclude, op_types=self.op_types
        )


DEFAULT_CHOICE = TensorChoice()


@dataclass(frozen=True)
class Chosen:
    """The tensors to look at, and how many more were asked for than the limit allows."""

    tensors: tuple[Any, ...]
    more: int


def choose(traced: Traced, choice: TensorChoice, most: int) -> Chosen:
    """Returns the tensors that are wanted.

    Args:
      traced: the model's graph.
      choice: what is wanted.
      most: of what patterns match, or of the default, only so many, evenly spread over the depth;
        tensors asked for by name all count.

    Raises:
      ConfigError: a name or pattern matches nothing, with the nearest names, or only what cannot
        be looked at, with the reason.
    """
    graph = _Graph(traced)
    named = [graph.named(name) for name in choice.names]
    named += [graph.end_point(name) for name in choice.end_points]
    if choice.criteria is not None:
        found = graph.matching(choice.criteria)
    else:
        found = [] if named else graph.overview()
    kept = [found[place] for place in spread(len(found), most)]
    unique = {tensor.name: tensor for tensor in [*named, *kept]}
    return Chosen(tuple(unique.values()), len(found) - len(kept))


class _Graph:
    """What in a model's graph can be looked at."""

    def __init__(self, traced: Traced) -> None:
        self._traced = traced
        self._computed, self._unfed = _reached(traced)

    def named(self, name: str) -> Any:
        """Returns a tensor by its name, its op's, or that of an end point."""
        if name in self._traced.end_points:
            return self.end_point(name)
        return self._possible(self._traced.tensor(name))

    def end_point(self, name: str) -> Any:
        """Returns the tensor of an end point."""
        end_points = self._traced.end_points
        if name not in end_points:
            raise ConfigError(
                f"no end point '{name}'; {choices(name, end_points)}. --tensor takes any tensor."
            )
        return self._possible(end_points[name])

    def matching(self, criteria: TensorCriteria) -> list[Any]:
        """Returns those of the tensors that meet the criteria that can be looked at."""
        found = select_tensors(_entries(self._traced.graph), criteria)
        tensors = [self._traced.tensor(entry.name) for entry in found if ":" in entry.name]
        possible = [tensor for tensor in tensors if self._obstacle(tensor) is None]
        if not possible:
            reason = self._obstacle(tensors[0]) if tensors else "they have no output"
            raise ConfigError(
                f"of the {len(found)} tensors that match none can be looked at: "
                f"'{found[0].name}' {reason}; choose others."
            )
        return possible

    def overview(self) -> list[Any]:
        """Returns end points, else activations, else what has weights, else the logits."""
        end_points = self._some(self._traced.end_points.values())
        if len(end_points) > 1:
            return end_points
        for types in (ACTIVATIONS, _WEIGHTED):
            ops = self._traced.graph.get_operations()
            found = self._some(op.outputs[0] for op in ops if op.type in types)
            if found:
                return found
        return [self._possible(self._traced.logits)]

    def _some(self, tensors: Iterable[Any]) -> list[Any]:
        return [tensor for tensor in tensors if self._obstacle(tensor) is None]

    def _possible(self, tensor: Any) -> Any:
        reason = self._obstacle(tensor)
        if reason is not None:
            raise ConfigError(f"tensor '{tensor.name}' {reason}; choose another one.")
        return tensor

    def _obstacle(self, tensor: Any) -> str | None:
        """Words why a tensor cannot be looked at; None if it can."""
        unfed = self._unfed.get(tensor.op.name)
        if unfed:
            return f"needs a value for '{unfed}', which images alone do not give"
        if tensor.op.name not in self._computed:
            return f"is not computed from the images (it comes from a {tensor.op.type})"
        if not (tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool):
            return f"holds {tensor.dtype.name} and no numbers"
        if not _has_batch(tensor.shape, self._traced.images.shape[0]):
            return f"has no batch dimension (its shape is {_worded(tensor.shape)})"
        return None


def _has_batch(shape: Any, batch: int | None) -> bool:
    if shape.rank is None:
        return True
    return shape.rank > 0 and shape[0] in (None, batch)


def _worded(shape: Any) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _reached(traced: Traced) -> tuple[set[str], dict[str, str]]:
    """Returns the ops computed from the images, and those that also need another placeholder."""
    captured = {tensor.op.name for tensor in traced.graph.internal_captures}
    computed, unfed = {traced.images.op.name}, {}
    for op in traced.graph.get_operations():
        sources = [tensor.op.name for tensor in op.inputs]
        if any(source in computed for source in sources):
            computed.add(op.name)
        if op.type in PLACEHOLDERS and not op.inputs and op.name not in captured | computed:
            unfed[op.name] = op.outputs[0].name
        missing = next((unfed[source] for source in sources if source in unfed), None)
        if missing is not None:
            unfed[op.name] = missing
    return computed, unfed


def _entries(graph: Any) -> Sequence[OpEntry]:
    return [
        OpEntry(op.name, op.type, outputs=tuple(_entry(tensor) for tensor in op.outputs))
        for op in graph.get_operations()
    ]


def _entry(tensor: Any) -> TensorEntry:
    # Choosing asks for names and types alone.
    return TensorEntry(tensor.name, tensor.op.name, tensor.op.type, tensor.dtype.name, None)
