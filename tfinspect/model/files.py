"""Models from files that hold a graph or a Keras model."""

import dataclasses
import json
import os
from typing import Any

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.artifact import Artifact
from tfinspect.errors import ArtifactError
from tfinspect.model.model import Model
from tfinspect.model.ports import Settings
from tfinspect.nets.spec import Preprocessing


def from_path(path: str, checkpoint: str | None, settings: Settings) -> Model:
    """Loads a SavedModel, a graph with its checkpoint, or a Keras file.

    Args:
      path: of the graph or model.
      checkpoint: of the graph's variables; None takes those that come with it.
      settings: what the caller says of the graph.

    Raises:
      ArtifactError: the file holds no model, is broken, or its values are missing.
      ConfigError: its input or output is ambiguous, or something else must be fed.
    """
    from tfinspect.artifacts.graph_artifact import GraphArtifact
    from tfinspect.artifacts.hdf5 import Hdf5
    from tfinspect.model.keras_file import from_file

    artifact = open_artifact(path)
    if isinstance(artifact, GraphArtifact):
        return _from_graph(artifact, checkpoint, settings)
    if isinstance(artifact, Hdf5):
        return from_file(artifact)
    beside = f"{artifact.path}.meta"
    graph = (
        f"'{beside}', the graph beside them"
        if os.path.isfile(beside)
        else "the graph that they belong to and checkpoint= (--checkpoint)"
    )
    raise ArtifactError(
        f"'{path}' ({artifact.kind}) holds weights without a network; name the network with net= "
        f"(--net), or give {graph}."
    )


def _from_graph(artifact: Any, checkpoint: str | None, settings: Settings) -> Model:
    from tfinspect.model import stored, stored_values

    if not artifact.graph.variables:
        weights = stored_values.of_constants(artifact)
    else:
        weights = stored_values.of_checkpoint(artifact, _values(artifact, checkpoint))
    model = stored.from_graph(artifact, settings, weights)
    return dataclasses.replace(model, **companions(artifact.path))


def _values(artifact: Any, checkpoint: str | None) -> Artifact:
    from tfinspect.artifacts.saved_model import SavedModel

    if checkpoint is not None:
        return open_artifact(checkpoint)
    if isinstance(artifact, SavedModel) and artifact.bundle is not None:
        return artifact
    beside = artifact.path.removesuffix(".meta")
    if beside != artifact.path and is_checkpoint(beside):
        return open_artifact(beside)
    count = len(artifact.graph.variables)
    raise ArtifactError(
        f"'{artifact.path}' ({artifact.kind}) describes {count} variables and holds no values of "
        "them; give the checkpoint with checkpoint= (--checkpoint), or a frozen graph."
    )


def is_checkpoint(path: str) -> bool:
    """Tells a checkpoint, or a file with weights alone, from what holds a model."""
    from tfinspect.artifacts import locate

    return bool(locate.bundle_prefix(path) or locate.saved_slices(path))


def companions(path: str) -> dict[str, Any]:
    """Returns the labels and the preprocessing that an export of ours put beside its graph.

    Inside a SavedModel scaling is part of the graph; cropping and resizing are for encoded images
    alone, and so still to be done for pixels.
    """
    inside = os.path.isdir(path)
    directory = os.path.join(path, "assets") if inside else os.path.dirname(path)
    preprocessing = _preprocessing(os.path.join(directory, "preprocessing.json"))
    if preprocessing is None:
        return {}
    if inside:
        preprocessing = dataclasses.replace(
            preprocessing, scale=1.0, offset=0.0, channel_means=None
        )
    found: dict[str, Any] = {"preprocessing": preprocessing}
    labels = os.path.join(directory, "labels.txt")
    if os.path.isfile(labels):
        with open(labels, encoding="utf-8") as stream:
            found["labels"] = tuple(stream.read().splitlines())
    return found


def _preprocessing(path: str) -> Preprocessing | None:
    try:
        with open(path, encoding="utf-8") as stream:
            described = json.load(stream)
        means = described.pop("channel_means")
        return Preprocessing(channel_means=means and tuple(means), **described)
    # Another program's file may have this name.
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
