"""Models from networks of the registry: by name, from a run directory, or live."""

from collections.abc import Mapping
from typing import Any

from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.errors import NetworkError, RunError
from tfinspect.model.model import Model
from tfinspect.model.trace import Built
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import NetSpec

_DEFAULT_CLASSES = 10


def from_network(
    network: Any,
    *,
    kind: str = "slim model",
    labels: tuple[str, ...] | None = None,
    checkpoint: str | None = None,
) -> Model:
    """Makes a model of a live `SlimModel`."""
    spec = network.spec
    return Model(
        spec.name,
        kind,
        spec.image_shape,
        lambda images: Built(*network.network(images, False)),
        network.variables_by_name(),
        preprocessing=spec.preprocessing,
        labels=labels,
        checkpoint=checkpoint,
        spec=spec,
        keras_model=network,
    )


def from_run(source: str, prefer: str) -> Model:
    """Loads the network of a run directory with its best or latest weights.

    Raises:
      RunError: the directory holds no run, or the run has no weights yet.
    """
    from tfinspect.nets.slim_model import SlimModel
    from tfinspect.training import checkpoints, run_directory

    info = run_directory.open_run(source)
    spec = info.spec()
    network = SlimModel(spec, info.num_classes, compute_dtype=info.compute_dtype)
    prefix = checkpoints.restore_chosen(lambda: weights_of(info.directory, prefer), network)
    return from_network(network, kind="run directory", labels=info.labels, checkpoint=prefix)


def weights_of(run: Any, prefer: str) -> str:
    """Returns the prefix of a `RunDirectory`'s best or latest weights.

    Raises:
      RunError: the run has none yet.
    """
    from tfinspect.training import checkpoints

    if prefer == "best" and not checkpoints.stored(run.best):
        raise RunError(
            f"'{run.path}' has no best weights yet; go on with `tfinspect train --output "
            f"{run.path} --resume`, or take the latest ones."
        )
    return checkpoints.latest(run.best if prefer == "best" else run.checkpoints)


def from_name(name: str, num_classes: int | None, checkpoint: str | None) -> Model:
    """Builds a network of the registry, with fresh weights or those of a checkpoint.

    Raises:
      NetworkError: no network has this name.
      RunError: the weights belong to another network.
      ArtifactError: the checkpoint cannot be read.
    """
    try:
        spec = get_spec(name)
    except NetworkError as error:
        raise NetworkError(f"'{name}' is neither a run directory nor a network: {error}") from error
    from tfinspect.nets.slim_model import SlimModel

    stored = open_artifact(checkpoint) if checkpoint else None
    classes = _classes(spec, stored) if num_classes is None else num_classes
    # Every variable is loaded next, or none: drawing values for 50 million weights takes seconds.
    network = SlimModel(spec, classes, seed=None if stored else 0)
    if stored:
        _assign(network.variables_by_name(), stored)
    return from_network(network, kind="registry network", checkpoint=checkpoint)


def _assign(variables: Mapping[str, Any], stored: Artifact) -> None:
    from tfinspect.training import checkpoints

    held = {key for entry in stored.variables for key in (entry.name, entry.key)}
    values = {name: stored.read(name) for name in variables if name in held}
    checkpoints.assign(variables, values, stored.path)


def _classes(spec: NetSpec, stored: Artifact | None) -> int:
    shapes = {entry.name: entry.shape for entry in stored.variables} if stored else {}
    known = {name: shape for name, shape in shapes.items() if shape}
    return spec.classes_in(known) or spec.num_classes or _DEFAULT_CLASSES
