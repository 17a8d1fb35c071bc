"""Two artifacts of one network, end point by end point."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfinspect.extraction import Loaded, Request
from tfinspect.extraction.part import LOGITS
from tfinspect.model import Model
from tfinspect.verification.other import end_before_logits, open_other, told_of_other


@dataclass(frozen=True)
class Divergence:
    """One end point of both.

    Attributes:
      end_point: name, in the network that is built in code.
      shape: of its value for one image.
      max_abs: largest absolute difference, 0 of an infinity and itself; None where the shapes
        differ.
      relative: that, as part of the largest finite absolute value.
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


@dataclass(frozen=True)
class Comparison:
    """Two artifacts of one network.

    Attributes:
      end_points: those that both have, and the logits, in the order of the graph.
      notes: what of the other was not compared, or does not fit the network, in sentences.
    """

    end_points: tuple[Divergence, ...]
    notes: tuple[str, ...] = ()


def compared(
    loaded: Loaded, other: str, request: Request, pixels: np.ndarray, tolerance: float
) -> Comparison:
    """Compares the end points of a network with another artifact's, in the order of the graph.

    Args:
      loaded: the network.
      other: path of weights of the same network, a network's name for its published weights, or
        the path of a graph whose ops have the same names; of such a graph the end points that it
        has are compared, and the logits unless it ends before them.
      request: as the network was built; its exclusions are the other's too.
      pixels: float32 `[1, H, W, C]`, 0..255.
      tolerance: of `relative`.

    Raises:
      LoadError: the other holds weights of another network.
      ConfigError: the other takes images of another size, or has nothing in common to compare.
      ArtifactError: it cannot be read or run.
    """
    model, spec = loaded.part.model, loaded.part.spec
    images = spec.preprocessing.apply(pixels)
    second, fed = open_other(other, request, loaded, pixels)
    tensors = _in_order(model, second)
    ours = model.fetch(list(tensors.values()), images)
    theirs = second.fetch(list(tensors.values()), fed)
    found = [_compared(name, ours[one], theirs[one], tolerance) for name, one in tensors.items()]
    end = None
    if model.trace().logits.name not in tensors.values():
        end = end_before_logits(model, second, tensors)
        if end is None:
            found.append(_compared(LOGITS, model.logits(images), second.logits(fed), tolerance))
    notes = tuple(told_of_other(other, spec.name, loaded, end, second))
    return Comparison(tuple(found), notes)


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
    one, two = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        difference = np.where(one == two, 0.0, np.abs(one - two))
    largest = float(difference.max(initial=0.0))
    scale = float(np.abs(one[np.isfinite(one)]).max(initial=0.0))
    relative = largest / scale if scale else largest
    # A NaN diverges too.
    return Divergence(name, first.shape, largest, relative, diverges=not relative <= tolerance)
