"""The artifact that a network is compared with: opened, and what does not fit told."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.artifacts.graph_artifact import GraphArtifact
from tfinspect.errors import ConfigError
from tfinspect.extraction import Loaded, Request, load_network
from tfinspect.model import Model, load_model
from tfinspect.model.files import companions
from tfinspect.nets.published import resolve_checkpoint
from tfinspect.transfer.likely_network import likely_network
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.restore import LoadError

_LOGITS_AXES = 2


def open_other(
    path: str, request: Request, loaded: Loaded, pixels: np.ndarray
) -> tuple[Model, np.ndarray]:
    """Returns the other model, and the pattern as it takes it.

    Args:
      path: of weights or of a graph, or a network's name.
      request: as the network was built; its exclusions are the other's too.
      loaded: the network.
      pixels: float32 `[1, H, W, C]`, 0..255.

    Raises:
      LoadError: the other holds weights of another network.
      ConfigError: it takes images of another size.
      ArtifactError: it cannot be read or run.
    """
    spec = loaded.part.spec
    path = resolve_checkpoint(path)
    if isinstance(open_artifact(path), GraphArtifact):
        model = load_model(path)
        _require_size(path, model, loaded)
        # Ours says what it takes; of others the network's own preprocessing is expected.
        own = companions(path)
        return model, (model if own else spec).preprocessing.apply(pixels)
    same = dataclasses.replace(
        request,
        net=spec.name,
        rules=LoadRules(exclude_scopes=request.rules.exclude_scopes),
        labels=None,
    )
    try:
        return load_network(path, same).part.model, spec.preprocessing.apply(pixels)
    except LoadError as error:
        raise LoadError(
            f"of what --against gives, {error} --rename and --moving-average are for CHECKPOINT "
            f"alone: where they would help, give '{path}' as CHECKPOINT, and the other here.",
            error.report,
        ) from error


def _require_size(path: str, model: Model, loaded: Loaded) -> None:
    wanted, given = model.image_shape, loaded.part.spec.image_shape
    if all(size in (None, one) for size, one in zip(wanted, given, strict=True)):
        return
    height, width, channels = wanted
    cure = "give a graph that takes the network's images"
    if channels in (None, given[2]):
        cure = f"build the network for those with --image-size {height or given[0]}x"
        cure += f"{width or given[1]}"
    raise ConfigError(
        f"'{path}' takes images of {_sized(wanted)}, and '{loaded.part.spec.name}' was built for "
        f"{_sized(given)}; {cure}, or give another artifact."
    )


def _sized(shape: Any) -> str:
    return "x".join("any" if size is None else str(size) for size in shape)


def end_before_logits(model: Model, other: Model, common: Mapping[str, str]) -> str | None:
    """Returns the end point that the other graph ends at; None where it goes on to its logits.

    Args:
      model: the network.
      other: a graph that has no op of the name of the network's logits.
      common: end point -> tensor that both have, in the order of the graph.

    Raises:
      ConfigError: it has none of the end points, and no output that could be the logits.
    """
    output = other.trace().logits
    source = output.op
    while source.type == "Identity":
        source = source.inputs[0].op
    ends = {tensor: name for name, tensor in common.items()}
    for tensor in source.outputs:
        if tensor.name in ends:
            return ends[tensor.name]
    if output.shape.rank == _LOGITS_AXES:
        return None
    if not common:
        raise ConfigError(
            f"'{other.name}' has none of the end points of '{model.name}', and its output "
            f"'{output.name}' of shape {output.shape} is no logits; give a graph of that network, "
            "whose ops have its names."
        )
    return list(common)[-1]


def told_of_other(
    path: str, network: str, loaded: Loaded, end: str | None, other: Model
) -> Iterator[str]:
    """Says in sentences what of the other artifact does not fit the network.

    Args:
      path: of the other artifact.
      network: name of the network.
      loaded: it, with its weights.
      end: the end point that the other ends at; None where it has logits.
      other: the model that was made of it.
    """
    if end is not None:
        yield (
            f"'{path}' has no logits: it ends at '{end}', and what lies behind that was not "
            "compared."
        )
        return
    # A part of a network is not enough to tell which one it is of.
    own = _network_of(open_artifact(resolve_checkpoint(path)))
    if own is not None and own != network:
        yield f"by its variables '{path}' is of '{own}', another network than '{network}'."
    shapes = (loaded.part.model.trace().logits.shape, other.trace().logits.shape)
    classes, others = (shape[-1] if shape.rank else None for shape in shapes)
    if None not in (classes, others) and classes != others:
        yield f"'{path}' has {others} classes, and '{network}' was built with {classes}."


def _network_of(artifact: Artifact) -> str | None:
    """Returns the network that an artifact's variables are of, whatever scope they lie in."""
    shapes = {entry.name: entry.shape for entry in artifact.variables if not entry.slot}
    inner = {name.partition("/")[2]: shape for name, shape in shapes.items()}
    return likely_network(shapes) or likely_network(inner)
