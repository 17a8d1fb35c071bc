"""A network of the registry, built and filled from weights of any kind, with proof."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from tfinspect import files
from tfinspect.artifacts import Artifact, locate
from tfinspect.data.examples import Progress
from tfinspect.errors import ConfigError
from tfinspect.extraction.part import NetworkPart
from tfinspect.nets.published import names_published_weights
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import NetSpec
from tfinspect.renames import Renames, renamed
from tfinspect.training import run_directory
from tfinspect.transfer.load_report import LoadReport
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.restore import plan, restore
from tfinspect.transfer.weights_source import open_weights

_DEFAULT_CLASSES = 10
BACKGROUND = "background"


@dataclass(frozen=True)
class Request:
    """What is to be built.

    Attributes:
      net: name of the network; None for that of a run directory, or of published weights that are
        asked for by name.
      num_classes: columns of the logits; None takes the stored weights'.
      image_size: (H, W) of the images; None is the network's own.
      final_endpoint: where the network ends; None builds all of it.
      rules: what is loaded under which name.
      labels: one per class, or, for a network with a background class, one per other class; None
        numbers the classes, or takes the labels of a run.
    """

    net: str | None = None
    num_classes: int | None = None
    image_size: tuple[int, int] | None = None
    final_endpoint: str | None = None
    rules: LoadRules = field(default_factory=LoadRules)
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Loaded:
    """A network with its weights.

    Attributes:
      part: the network, up to its output.
      report: what became of every variable.
      labels: one name per class; empty where the network ends before its classifier.
    """

    part: NetworkPart
    report: LoadReport
    labels: tuple[str, ...]


def load_network(
    source: str, request: Request, *, dry_run: bool = False, progress: Progress | None = None
) -> Loaded:
    """Builds a network and fills it.

    Args:
      source: as `open_weights` takes it.
      request: what is to be built.
      dry_run: whether the variables are left as they are, and the report alone is made.
      progress: of a download.

    Raises:
      NetworkError: no such network or end point, or images too small for it.
      ConfigError: no network is named, a rule matches nothing, or labels do not fit.
      LoadError: a variable that no rule excludes cannot be loaded.
      ArtifactError: the weights cannot be read.
    """
    from tfinspect.nets.slim_model import SlimModel

    spec, run_labels = _spec(source, request)
    weights = open_weights(source, spec.name, progress)
    classes = request.num_classes or stored_classes(spec, weights, request.rules.rename)
    labels = _labels(spec, classes, request.labels or run_labels)
    # Excluded variables keep their initial values; otherwise drawing them is time lost.
    network = SlimModel(spec, classes, seed=0 if request.rules.exclude_scopes else None)
    part = NetworkPart(network, request.final_endpoint)
    report = (plan if dry_run else restore)(part, weights, request.rules)
    return Loaded(part, report, () if request.final_endpoint else labels)


def stored_classes(spec: NetSpec, weights: Artifact, rename: Renames = ()) -> int:
    """Returns how many classes stored weights are for; without a classifier, the published.

    Args:
      spec: of the network.
      weights: the stored ones.
      rename: rules that rewrite the network's names into the stored ones.
    """
    shapes = {entry.name: entry.shape for entry in weights.variables if entry.shape}
    known = {name: shape for name, shape in shapes.items() if not rename}
    for stored, shape in shapes.items():
        known |= dict.fromkeys(_under_a_classifier(spec, stored, rename), shape)
    return spec.classes_in(known) or spec.num_classes or _DEFAULT_CLASSES


def _under_a_classifier(spec: NetSpec, stored: str, rename: Renames) -> Iterator[str]:
    """Yields the names in the scopes of the classifier that the rules rewrite into a stored one."""
    parts = stored.split("/")
    for scope in spec.logits_scopes if rename else ():
        for start in range(1, len(parts)):
            name = "/".join([scope, *parts[start:]])
            if functools.reduce(renamed, rename, name) == stored:
                yield name


def _spec(source: str, request: Request) -> tuple[NetSpec, tuple[str, ...] | None]:
    spec, labels = None, None
    if locate.run_directory(source) is not None:
        info = run_directory.open_run(source)
        if request.net in (None, info.network):
            spec, labels = info.spec(), info.labels
    if spec is None:
        # Published weights are those of the network whose name stands for them.
        net = request.net or (source if names_published_weights(source) else None)
        if net is None:
            raise ConfigError(
                f"'{source}' does not say which network its weights are for; name it with --net "
                "(`tfinspect nets` lists them)."
            )
        spec = get_spec(net)
    return (spec.with_image_size(*request.image_size) if request.image_size else spec), labels


def _labels(spec: NetSpec, classes: int, given: tuple[str, ...] | None) -> tuple[str, ...]:
    if given is None:
        return tuple(str(number) for number in range(classes))
    if len(given) == classes:
        return given
    # Weights for other classes than the published ones have no background among them.
    background = bool(spec.label_offset) and classes == spec.num_classes
    if background and len(given) == classes - spec.label_offset:
        return (BACKGROUND, *given)
    also = f" or {classes - 1} (class 0 is the background)" if background else ""
    raise ConfigError(f"{len(given)} labels for {classes} classes; give {classes}{also}.")


def labels_of_file(path: str) -> tuple[str, ...]:
    """Reads one label a line; empty lines at the end are left out.

    Raises:
      ConfigError: the file holds none, or is no text.
      DataError: it cannot be opened.
    """
    with files.open_file(path, "r") as stream:
        try:
            labels = stream.read().rstrip().splitlines()
        except UnicodeDecodeError as error:
            raise ConfigError(f"'{path}' is no text in UTF-8; write one label a line.") from error
    if not labels or not all(label.strip() for label in labels):
        raise ConfigError(f"'{path}' is empty or has empty lines; write one label a line.")
    return tuple(label.strip() for label in labels)
