"""Loads a graph explicitly, feeds it, and fetches any of its tensors."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError, DataError, GraphRefusedError
from tfinspect.model import Model, load_model
from tfinspect.play.feeds import ImageFiles, Place, unknown_feeds
from tfinspect.play.graph import StoredInputs, stored_inputs
from tfinspect.play.pixels import note_on_pixels, require_whole

LOGITS = "logits"


@dataclass(frozen=True)
class Setting:
    """How a model is loaded, besides its path.

    Attributes:
      checkpoint: of a graph's variables, or of a network given by name.
      net: network whose preprocessing images get.
      signature: of a SavedModel.
      labels: one name per class.
    """

    checkpoint: str | None = None
    net: str | None = None
    signature: str | None = None
    labels: tuple[str, ...] | None = None

    def given(self) -> dict[str, Any]:
        """Returns what is not None."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Played:
    """What a model made of its feeds.

    Attributes:
      model: as it was loaded.
      values: of the fetched tensors, by the names they were asked for.
      logits: `[N, classes]`; None where they were not asked for.
      notes: what was done on loading, and how a value was taken, in sentences.
    """

    model: Model
    values: Mapping[str, np.ndarray] = field(repr=False)
    logits: np.ndarray | None = field(repr=False)
    notes: tuple[str, ...] = ()


def play(
    source: str,
    feeds: Mapping[str, Any],
    fetches: Sequence[str] = (),
    *,
    setting: Setting | None = None,
    classify: bool = False,
) -> Played:
    """Feeds a model and fetches tensors.

    Args:
      source: a SavedModel, MetaGraph, GraphDef, or anything else that `load_model` takes.
      feeds: name of a tensor, of an op or of a signature's input -> number, array or `ImageFiles`.
        One of them is the input; what else is fed becomes a constant of the graph.
      fetches: names of variables, of a signature's outputs, of end points or of tensors.
      setting: how the model is loaded.
      classify: whether the logits are wanted too.

    Raises:
      ConfigError: nothing is fed, or a name that does not exist.
      DataError: a value does not fit its tensor, or a file is broken.
      ArtifactError: a tensor that does not exist, or the graph cannot run.
    """
    setting = setting or Setting()
    if not feeds:
        raise ConfigError(_nothing_fed(source))
    if not all(name.strip() for name in fetches):
        raise ConfigError(
            f"an empty text names no tensor of '{source}'; give --fetch the name of one."
        )
    inputs = stored_inputs(source, setting.signature, feeds)
    if inputs is not None and inputs.signature is not None:
        setting = replace(setting, signature=inputs.signature)
    model, name = _loaded(source, dict(feeds), list(fetches), setting, inputs, classify)
    place = Place(name, model.input_dtype, _shape(model))
    value, notes = _input(place, feeds[name], model)
    tensors = _tensors(model, fetches)
    wanted = [*tensors.values(), *([model.trace().logits] if classify else [])]
    found = _computed(model, wanted, value) if wanted else []
    logits = found.pop() if classify else None
    fetched = dict(zip(tensors, found, strict=True))
    values = {
        name: fetched[name] if name in fetched else _variable(model, name) for name in fetches
    }
    return Played(model, values, logits, (*model.notes, *notes))


def _nothing_fed(source: str) -> str:
    listed = f" (`tfinspect list-tensors {source} --placeholders` lists what takes values)"
    return (
        f"nothing is fed to '{source}'; give --feed NAME=FILE{listed if _is_path(source) else ''}."
    )


def _is_path(source: str) -> bool:
    return os.path.exists(source)


def _loaded(
    source: str,
    feeds: dict[str, Any],
    fetches: list[str],
    setting: Setting,
    inputs: StoredInputs | None,
    classify: bool,
) -> tuple[Model, str]:
    """Returns the model and the name, as it was given, of what its input is fed by."""
    if inputs is None:
        model = load_model(source, **setting.given())
        names = {model.input_name, f"{model.input_name}:0"}
        unknown_feeds(feeds, sorted(names), source)
        return model, next(iter(feeds))
    unknown_feeds(feeds, inputs.names(), source)
    chosen = max(feeds, key=lambda name: _likeness_to_images(feeds[name], inputs.place(name)))
    constants = {
        inputs.tensor(name): inputs.place(name).fit(value)
        for name, value in feeds.items()
        if name != chosen
    }
    outputs = [] if classify else [name for name in fetches if not inputs.is_variable(name)]
    with _naming_feeds(inputs, feeds):
        model = load_model(
            source,
            **setting.given(),
            input_name=inputs.tensor(chosen),
            output_name=inputs.known(outputs[0]) if outputs else None,
            feeds=constants,
        )
    return model, chosen


@contextmanager
def _naming_feeds(inputs: StoredInputs, feeds: Mapping[str, Any]) -> Iterator[None]:
    """Adds to a refusal of the graph what is fed, and what the graph says of its shape."""
    try:
        yield
    except GraphRefusedError as error:
        fed = "; ".join(inputs.place(name).beside(value) for name, value in feeds.items())
        raise GraphRefusedError(
            f"{str(error).removesuffix('.')}. {fed}; feed values of other shapes, or feed another "
            "tensor."
        ) from error


def _likeness_to_images(value: Any, place: Place) -> tuple[bool, int]:
    """Orders what is fed: image files before all else, then the array of most axes."""
    if not isinstance(value, ImageFiles):
        return False, np.ndim(value)
    # A misspelt word reads like a file's name.
    return place.dtype == "string" or place.shape is None or len(place.shape) == 4, 0


def _shape(model: Model) -> tuple[int | None, ...] | None:
    shape = model.trace().images.shape
    return None if shape.rank is None else tuple(shape)


def _input(place: Place, value: Any, model: Model) -> tuple[Any, list[str]]:
    """Returns the value as the tensor takes it, and what should be said of it."""
    import tensorflow as tf

    if isinstance(value, ImageFiles):
        require_whole(place, model.preprocessing.apply)
        return tf.constant(place.read(value, model.preprocess)), []
    fitted = place.fit(value)
    note = note_on_pixels(place, np.asarray(value), model.preprocessing.apply)
    return tf.constant(fitted), [] if note is None else [note]


def _computed(model: Model, wanted: Sequence[Any], value: Any) -> list[np.ndarray]:
    import tensorflow as tf

    try:
        return [one.numpy() for one in model.trace().function(wanted)(value)]
    except tf.errors.InvalidArgumentError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        told = [line for line in lines if line and not line.startswith(("[[", "File", "Detected"))]
        reason = next((line for line in reversed(told) if "[Op:" not in line), told[-1])
        raise DataError(
            f"the graph cannot be computed with what was fed: {reason}; "
            "`tfinspect list-tensors` shows the shapes."
        ) from error


def _tensors(model: Model, fetches: Sequence[str]) -> dict[str, Any]:
    return {name: model.tensor(name) for name in fetches if name not in model.variables}


def _variable(model: Model, name: str) -> np.ndarray:
    value: np.ndarray = model.variables[name].numpy()
    return value
