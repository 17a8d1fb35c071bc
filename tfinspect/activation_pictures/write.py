"""Writes what was seen: one PNG sheet a tensor or method, and summaries for TensorBoard."""

import re
from collections.abc import Sequence

import numpy as np

from tfinspect import files
from tfinspect.event_file import EventFile
from tfinspect.plots.activation_sheet import SampleImage, activation_sheet, named_by
from tfinspect.plots.attribution_sheet import Attributed, attribution_sheet
from tfinspect.plots.drawing import Picture
from tfinspect.plots.legible import legible_label, substitutes
from tfinspect.plots.raster import picture_png
from tfinspect.probe.activations import Activation, Activations
from tfinspect.probe.attribution import Explanation

_TITLES = {
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "Integrated gradients",
    "smooth_grad": "SmoothGrad",
}
_SCALARS = ("mean", "std", "zeros", "saturated")


def write_activations(
    seen: Activations,
    images: Sequence[SampleImage],
    directory: str,
    labels: Sequence[str] | None = None,
) -> dict[str, str]:
    """Writes a PNG sheet for each tensor.

    Args:
      seen: from `activations`.
      images: its sample images, as they are to be drawn.
      directory: created if need be.
      labels: of the model's classes; None where they are not known.

    Returns:
      The file of each tensor, by its name.

    Raises:
      DataError: a file cannot be written.
    """
    files.make_directory(directory)
    width = len(str(len(seen.tensors)))
    written = {}
    for number, tensor in enumerate(seen.tensors, 1):
        sheet = activation_sheet(tensor, images, len(seen.images), labels)
        path = files.join(directory, f"{number:0{width}d}-{file_name(tensor)}.png")
        _write_png(sheet, path)
        written[tensor.name] = path
    return written


def file_name(tensor: Activation) -> str:
    """Returns a tensor's end point, or name, in letters that every file system takes."""
    name = tensor.end_point or tensor.name.removesuffix(":0")
    return re.sub(r"[^\w.-]+", "_", name).strip("_.")[-100:] or "tensor"


def write_explanation(
    explanation: Explanation, images: Sequence[SampleImage], directory: str
) -> list[str]:
    """Writes a PNG sheet for each method; returns the files.

    Raises:
      DataError: a file cannot be written.
    """
    files.make_directory(directory)
    written = []
    for method in explanation.maps:
        written.append(files.join(directory, f"{method.replace('_', '-')}.png"))
        _write_png(explanation_sheet(explanation, method, images), written[-1])
    return written


def explanation_sheet(
    explanation: Explanation, method: str, images: Sequence[SampleImage]
) -> Picture:
    """Draws what one method attributes to each image."""
    cards = [
        Attributed(
            title=f"class {legible_label(label, int(column))}, probability {probability:.1%}",
            caption=image.caption,
            pixels=image.pixels,
            attributions=attributions,
            note=_note(explanation, method, place),
        )
        for place, (image, column, label, probability, attributions) in enumerate(
            zip(
                images,
                explanation.classes,
                explanation.labels,
                explanation.probabilities,
                explanation.maps[method],
                strict=True,
            )
        )
    ]
    return attribution_sheet(_TITLES[method], _subtitle(explanation, method), cards)


def _subtitle(explanation: Explanation, method: str) -> str:
    if method == "grad_cam":
        return f"Which positions of {explanation.tensor} speak for the class"
    if method == "integrated_gradients":
        return (
            "How much each pixel adds to the logit of the class (red) or takes from it (blue); all "
            "pixels together should add up to its change from the baseline to the image"
        )
    return "Where a brighter pixel would raise the logit of the class (red) or lower it (blue)"


def _note(explanation: Explanation, method: str, place: int) -> str:
    if not np.any(explanation.maps[method][place]):
        return "nothing speaks for this class"
    if method != "integrated_gradients" or explanation.completeness_gap is None:
        return ""
    return f"adds up to within {explanation.completeness_gap[place]:.1%}"


def gap_note(explanation: Explanation, most: float) -> str | None:
    """Words whose integrated gradients miss their sum by more than a share; None if none does."""
    gaps = explanation.completeness_gap
    missed = [] if gaps is None else [float(gap) for gap in gaps if not gap <= most]
    if not missed:
        return None
    return (
        f"integrated gradients of {len(missed):,} of {len(explanation.classes):,} images do not "
        f"add up to the logit's change: off by up to {max(missed):.0%}; take them for hints only."
    )


def font_note(
    seen: Activations, explanation: Explanation | None, labels: Sequence[str] | None
) -> str | None:
    """Words which numbers stand for which labels in the pictures; None where none do.

    Args:
      seen: from `activations`.
      explanation: that is drawn, too; None for none.
      labels: of the model's classes; None where they are not known.
    """
    if any(named_by(tensor, labels) for tensor in seen.tensors):
        told = substitutes(labels or ())
    elif explanation is not None:
        pairs = zip(explanation.classes.tolist(), explanation.labels, strict=True)
        told = substitutes(dict(pairs))
    else:
        return None
    return None if told is None else f"{told}."


def _write_png(picture: Picture, path: str) -> None:
    rendered = picture_png(picture)
    with files.writing(path) as stream:
        files.write(stream, rendered)


def write_summaries(
    seen: Activations, images: Sequence[SampleImage], directory: str, step: int = 0
) -> None:
    """Writes image, histogram and scalar summaries of each tensor for TensorBoard.

    Raises:
      DataError: they cannot be written.
    """
    sheets = [activation_sheet(tensor, images, len(seen.images)) for tensor in seen.tensors]
    rendered = [picture_png(sheet) for sheet in sheets]
    events = EventFile(directory)
    for tensor, sheet, png in zip(seen.tensors, sheets, rendered, strict=True):
        tag = f"activations/{tensor.end_point or tensor.name}"
        events.image(tag, png, (sheet.height, sheet.width), step)
        if tensor.statistics.histogram is not None:
            events.histogram(tag, tensor.statistics.histogram, step)
        for metric in _SCALARS:
            value = getattr(tensor.statistics, metric)
            if value is not None:
                events.scalar(f"{tag}/{metric}", value, step)
        events.scalar(f"{tag}/dead_channels", tensor.statistics.dead, step)
    events.flush()


def step_of(checkpoint: str | None) -> int:
    """Returns the step at the end of a checkpoint's name; 0 without one.

    >>> step_of("runs/digits/best/model.ckpt-300"), step_of(None)
    (300, 0)
    """
    found = re.search(r"-(\d+)$", checkpoint or "")
    return int(found.group(1)) if found else 0


def broken_values(seen: Activations) -> list[str]:
    """Words which tensors hold NaN or infinities."""
    counts = [(one.name, one.statistics.nan, one.statistics.inf) for one in seen.tensors]
    return [
        f"{name}: NaN values: {nan:,}, infinite values: {inf:,}."
        for name, nan, inf in counts
        if nan + inf
    ]
