"""Two artifacts of one network, end point by end point."""

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.graph_artifact import GraphArtifact
from tfinspect.extraction import Loaded, Request, load_network
from tfinspect.extraction.part import LOGITS
from tfinspect.model import Model, load_model
from tfinspect.model.files import companions
from tfinspect.nets.published import resolve_checkpoint
from tfinspect.transfer.load_rules import LoadRules


@dataclass(frozen=True)
class Divergence:
    """One end point of both.

    Attributes:
      end_point: name, in the network that is built in code.
      shape: of its value for one image.
      max_abs: largest absolute difference; None where the shapes differ.
      relative: that, as part of the largest absolute value.
      diverges: whether it is more than the tolerance.
    """

    end_point: str
    shape: tuple[int, ...]
    max_abs: float | None
    relative: float | None
    diverges: bool

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `verify --against` writes; its keys are stable."""
        return asdict(self)


def divergences(
    loaded: Loaded, other: str, request: Request, pixels: np.ndarray, tolerance: float
) -> list[Divergence]:
    """Compares the end points of a network with another artifact's, in the order of the graph.

    Args:
      loaded: the network.
      other: path of weights of the same network, a network's name for its published weights, or
        the path of a graph whose ops have the same names; of such a graph the end points that it
        has are compared, and the logits.
      request: as the network was built; its exclusions are the other's too.
      pixels: float32 `[1, H, W, C]`, 0..255.
      tolerance: of `relative`.

    Raises:
      LoadError: the other holds weights of another network.
      ArtifactError: it cannot be read or run.
    """
    model, spec = loaded.part.model, loaded.part.spec
    images = spec.preprocessing.apply(pixels)
    second, fed = _other(other, request, loaded, pixels)
    tensors = _in_order(model, second)
    ours = model.fetch(list(tensors.values()), images)
    theirs = second.fetch(list(tensors.values()), fed)
    found = [_compared(name, ours[one], theirs[one], tolerance) for name, one in tensors.items()]
    if model.trace().logits.name not in tensors.values():
        found.append(_compared(LOGITS, model.logits(images), second.logits(fed), tolerance))
    return found


def _other(
    path: str, request: Request, loaded: Loaded, pixels: np.ndarray
) -> tuple[Model, np.ndarray]:
    """Returns the other model, and the pattern as it takes it."""
    spec = loaded.part.spec
    path = resolve_checkpoint(path)
    if isinstance(open_artifact(path), GraphArtifact):
        model = load_model(path)
        # Ours says what it takes; of others the network's own preprocessing is expected.
        own = companions(path)
        return model, (model if own else spec).preprocessing.apply(pixels)
    same = dataclasses.replace(
        request,
        net=spec.name,
        num_classes=request.num_classes,
        rules=LoadRules(exclude_scopes=request.rules.exclude_scopes),
        labels=None,
    )
    return load_network(path, same).part.model, spec.preprocessing.apply(pixels)


def _in_order(model: Model, other: Model) -> dict[str, str]:
    """Returns end point -> tensor that both graphs have, in the order of the ops."""
    graph = model.trace().graph
    places = {op.name: place for place, op in enumerate(graph.get_operations())}
    existing = {op.name for op in other.trace().graph.get_operations()}
    found = [
        (places[tensor.op.name], name, tensor.name)
        for name, tensor in model.trace().end_points.items()
        if tensor.op.name in existing
    ]
    return {name: tensor for _, name, tensor in sorted(found)}


def _compared(name: str, first: np.ndarray, second: np.ndarray, tolerance: float) -> Divergence:
    if first.shape != second.shape:
        return Divergence(name, first.shape, None, None, diverges=True)
    difference = np.abs(first.astype(np.float64) - second)
    largest = float(difference.max(initial=0.0))
    scale = float(np.abs(first).max(initial=0.0))
    relative = largest / scale if scale else largest
    # A NaN diverges too.
    return Divergence(name, first.shape, largest, relative, diverges=not relative <= tolerance)
