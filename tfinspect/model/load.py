"""From any source to the model that runs."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.model.model import Model
from tfinspect.model.ports import Settings
from tfinspect.model.slim import from_name, from_network, from_run
from tfinspect.names import choices
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import Preprocessing

WEIGHTS = ("best", "latest")
_SUFFIXES = (".pb", ".pbtxt", ".meta", ".keras", ".h5", ".hdf5", ".index", ".ckpt")


def load_model(
    source: Any,
    *,
    num_classes: int | None = None,
    checkpoint: str | None = None,
    prefer: str = "best",
    net: str | None = None,
    labels: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    input_name: str | None = None,
    output_name: str | None = None,
    signature: str | None = None,
    feeds: Mapping[str, Any] | None = None,
) -> Model:
    """Loads a model that can run.

    Nothing that is stored as code is run.

    Args:
      source: a run directory; a network's name such as `cifar_resnet20_v1`; the path of a
        SavedModel, a GraphDef (`.pb`, `.pbtxt`), a MetaGraph (`.meta`) or a Keras file (`.keras`,
        `.h5`); a checkpoint together with `net`; or a live `SlimModel`, tf_keras or Keras 3
        model, `tf.function` or concrete function of one batch of images.
      num_classes: of a network given by name; None takes the checkpoint's, without one as many as
        its published weights have, or 10.
      checkpoint: the weights of a network given by name, None draws fresh ones; or those of a
        graph, None takes those that come with it. Any format that `open_artifact` reads.
      prefer: the weights of a run directory: "best" on the validation split, or "latest".
      net: name of a network of the registry whose preprocessing the model has; of a checkpoint,
        the network to load it into.
      labels: one name per class; None takes those that come with the source.
      preprocessing: from an image in 0..255 to what the model takes; None takes that of the
        source, and leaves images in 0..255 where the source says nothing of it.
      input_name: of a stored graph, the tensor that takes the images `[N, H, W, C]`; any inner
        tensor can be named. None takes the signature's, or the only placeholder that fits.
      output_name: of a stored graph, the output: a tensor, or a signature's key for one; the logits
        are what comes before its Softmax.
      signature: of a SavedModel; None takes `serving_default`, if that takes float images.
      feeds: of a stored graph, tensor name -> value, such as `{"is_training:0": False}`.

    Raises:
      NetworkError: no network has this name, or a model does not take images.
      RunError: the directory holds no run, or the weights belong to another network.
      ArtifactError: the file holds no model that can run, is broken, or values are missing.
      ConfigError: no such choice of weights, arguments that do not fit the source, or a graph
        whose input or output is ambiguous.
    """
    if prefer not in WEIGHTS:
        raise ConfigError(f"no weights '{prefer}'; {choices(prefer, WEIGHTS)}; choose one of them.")
    settings = Settings(input_name, output_name, signature, feeds or {})
    weights = _Weights(num_classes, checkpoint, prefer, net)
    if isinstance(source, (str, os.PathLike)):
        model = _from_path(os.path.expanduser(os.fspath(source)), weights, settings)
    else:
        weights.refuse(type(source).__name__, allowed=("net",))
        model = _from_live(source, settings)
    return _with(model, net, labels, preprocessing)


@dataclasses.dataclass(frozen=True)
class _Weights:
    num_classes: int | None
    checkpoint: str | None
    prefer: str
    net: str | None

    def refuse(self, what: str, allowed: Sequence[str]) -> None:
        given = [
            name
            for name in ("num_classes", "checkpoint")
            if name not in allowed and getattr(self, name) is not None
        ]
        if given:
            raise ConfigError(
                f"{what} has its own classes and weights; give no num_classes and no checkpoint, "
                "or name a network instead."
            )


def _from_path(path: str, weights: _Weights, settings: Settings) -> Model:
    if os.path.isfile(os.path.join(path, "config.json")) or _seems_run(path):
        weights.refuse(f"the run '{path}'", allowed=())
        _refuse_settings(f"the run '{path}'", settings)
        return from_run(path, weights.prefer)
    if _is_artifact(path):
        return _from_artifact(path, weights, settings)
    _refuse_settings(f"the network '{path}'", settings)
    return from_name(path, weights.num_classes, weights.checkpoint)


def _seems_run(path: str) -> bool:
    """Tells whether a path that is not there was meant as a run's."""
    missing = os.sep in path and not _is_artifact(path)
    return missing or (os.path.isdir(path) and not os.listdir(path))


def _is_artifact(path: str) -> bool:
    if os.path.exists(path) or os.path.exists(f"{path}.index"):
        return True
    return path.endswith(_SUFFIXES)


def _from_artifact(path: str, weights: _Weights, settings: Settings) -> Model:
    from tfinspect.model import files

    if weights.net is not None and files.is_checkpoint(path):
        _refuse_settings(f"the checkpoint '{path}'", settings)
        return from_name(weights.net, weights.num_classes, weights.checkpoint or path)
    weights.refuse(f"'{path}'", allowed=("checkpoint",))
    return files.from_path(path, weights.checkpoint, settings)


def _refuse_settings(what: str, settings: Settings) -> None:
    given = [name for name, value in vars(settings).items() if value]
    if given:
        raise ConfigError(
            f"{what} has one input and one output; {given[0]}= is for stored graphs, leave it out."
        )


def _from_live(source: Any, settings: Settings) -> Model:
    from tfinspect.model import functions, keras

    if hasattr(source, "network") and hasattr(source, "spec"):
        _refuse_settings("a slim network", settings)
        return from_network(source)
    if keras.family(source):
        _refuse_settings("a Keras model", settings)
        return keras.from_keras(source)
    if functions.is_function(source):
        return functions.from_function(source, settings)
    raise ConfigError(
        f"an object of the type {type(source).__name__} is no model; give a path, a network's "
        "name, a Keras model or a tf.function."
    )


def _with(
    model: Model,
    net: str | None,
    labels: Sequence[str] | None,
    preprocessing: Preprocessing | None,
) -> Model:
    """Returns a model with what the caller says of its preprocessing and labels."""
    if net is not None and model.spec is not None and model.spec.name != net:
        raise ConfigError(
            f"the {model.kind} '{model.spec.name}' has its own preprocessing, and net= (--net) "
            f"names another network, '{net}'; leave it out."
        )
    if preprocessing is None and net is not None:
        preprocessing = get_spec(net).preprocessing
    changes: dict[str, Any] = {}
    if preprocessing is not None:
        changes["preprocessing"] = preprocessing
    if labels is not None:
        changes["labels"] = tuple(labels)
    return dataclasses.replace(model, **changes) if changes else model
