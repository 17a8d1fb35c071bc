"""`look`: from paths of images to rows and pictures of what a model computes for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.activation_pictures.shown import as_shown
from tfinspect.activation_pictures.write import (
    broken_values,
    font_note,
    gap_note,
    step_of,
    write_activations,
    write_explanation,
    write_summaries,
)
from tfinspect.alarms import Alarm, raised
from tfinspect.data.image_set import ImageSet, read_image_set, size_note
from tfinspect.model import Model
from tfinspect.nets.spec import Preprocessing
from tfinspect.probe.activations import LIMITS, Activations, Limits, activations
from tfinspect.probe.attribution import METHODS, Explanation, explain
from tfinspect.probe.attribution_methods import Settings
from tfinspect.probe.tensor_choice import TensorChoice
from tfinspect.tensor_drift import drift

Progress = Callable[[str, int, int], None]
_UNKNOWN_RANGE = (
    "the model says nothing of its preprocessing: images are given to it as they are, 0 to 255; "
    "--net takes the preprocessing of a network that is known."
)


@dataclass(frozen=True)
class LookOptions:
    """What is looked at, and where pictures go.

    Attributes:
      choice: which tensors.
      limits: how much.
      output: directory for PNG sheets; None draws none.
      tensorboard: directory for an event file; None writes none.
      reference: other images, whose statistics are compared with; None compares with none.
      alarms: conditions on the rows.
      explained: methods that attribute a class, for the sample images.
      explained_class: its name or column; None is the one predicted for each image.
      settings: of the methods.
    """

    choice: TensorChoice = field(default_factory=TensorChoice)
    limits: Limits = field(default_factory=Limits)
    output: str | None = None
    tensorboard: str | None = None
    reference: ImageSet | None = None
    alarms: tuple[Alarm, ...] = ()
    explained: tuple[str, ...] = ()
    explained_class: str | int | None = None
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Look:
    """What was found.

    Attributes:
      rows: one a tensor: statistics, the comparison if there is one, and the picture's file.
      alarms: what raised them, in sentences.
      notes: what was converted, left out, or is broken, in sentences.
      files: everything that was written, directories of event files included.
    """

    rows: tuple[dict[str, Any], ...]
    alarms: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...]


def read_images(
    paths: Sequence[str], limits: Limits = LIMITS, progress: Progress | None = None
) -> ImageSet:
    """Reads the images to look at: before a model is loaded, so that a bad path costs no time.

    Raises:
      DataError: a path is missing, or an image is none or broken.
    """
    return read_image_set(paths, limits.images, progress)


def look(
    model: Model, images: ImageSet, options: LookOptions, progress: Progress | None = None
) -> Look:
    """Looks at what a model computes for images, and writes pictures.

    Raises:
      ConfigError: nothing matches the choice, or an alarm or class cannot be.
      DataError: images do not suit the model, or a file cannot be written.
    """
    notes = [*model.notes, *images.notes]
    if model.preprocessing == Preprocessing():
        notes.append(_UNKNOWN_RANGE)
    inputs = _inputs(model, images, notes)
    seen = activations(model, inputs, options.choice, limits=options.limits, progress=progress)
    rows = [tensor.row() for tensor in seen.tensors]
    if options.reference is not None:
        columns = _drifts(model, seen, options.reference, options.limits, notes)
        rows = [row | columns[row["name"]] for row in rows]
    alarms = raised(options.alarms, rows)
    names = [image.path for image in images.images]
    samples = as_shown(model, inputs, names, seen.sample_images)
    chosen = inputs[list(seen.sample_images)]
    explanation = _explained(model, chosen, options, notes, progress)
    written: list[str] = []
    if explanation is not None and options.output is not None:
        written += write_explanation(explanation, samples, options.output)
    drawn: dict[str, str] = {}
    if options.output is not None:
        drawn = write_activations(seen, samples, options.output, model.labels)
        lacking = font_note(seen, explanation, model.labels)
        notes += [] if lacking is None else [lacking]
    if options.tensorboard is not None:
        write_summaries(seen, samples, options.tensorboard, step_of(model.checkpoint))
        written.append(options.tensorboard)
    notes += broken_values(seen)
    if seen.more:
        notes.append(f"{seen.more:,} more tensors match; --max-tensors draws more of them.")
    return Look(
        rows=tuple(row | {"file": drawn.get(row["name"])} for row in rows),
        alarms=tuple(alarms),
        notes=tuple(notes),
        files=(*drawn.values(), *written),
    )


def _inputs(model: Model, images: ImageSet, notes: list[str]) -> np.ndarray:
    resized = size_note(images.images, *model.image_shape[:2])
    if resized is not None:
        notes.append(resized)
    return model.preprocess(images.pixels)


def _drifts(
    model: Model,
    seen: Activations,
    reference: ImageSet,
    limits: Limits,
    notes: list[str],
) -> dict[str, dict[str, Any]]:
    """Returns the columns of a comparison with the reference, by the tensor's name."""
    told: list[str] = [*reference.notes]
    inputs = _inputs(model, reference, told)
    notes += [f"reference: {note}" for note in told]
    choice = TensorChoice(names=tuple(tensor.name for tensor in seen.tensors))
    others = activations(model, inputs, choice, limits=limits)
    statistics = {tensor.name: tensor.statistics for tensor in others.tensors}
    return {
        tensor.name: drift(statistics[tensor.name], tensor.statistics).row()
        for tensor in seen.tensors
    }


def _explained(
    model: Model,
    inputs: np.ndarray,
    options: LookOptions,
    notes: list[str],
    progress: Progress | None,
) -> Explanation | None:
    if not options.explained or options.output is None:
        return None
    explanation = explain(
        model,
        inputs,
        options.explained_class,
        use=[method for method in METHODS if method in options.explained],
        settings=options.settings,
        progress=progress,
    )
    missed = gap_note(explanation, options.settings.most_gap)
    if missed is not None:
        notes.append(missed)
    return explanation
