"""The part of the page that shows what a model computes for sample images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfinspect.activation_pictures.shown import as_shown
from tfinspect.activation_pictures.write import font_note
from tfinspect.model import Model
from tfinspect.plots.activation_sheet import activation_sheet
from tfinspect.plots.raster import picture_png
from tfinspect.probe.activations import Limits, activations
from tfinspect.report.page import picture, sentence

_COLUMNS = ("name", "shape", "mean", "std", "zeros", "dead", "channels")


def activation_part(model: Model, images: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Returns sheets of activations as `page.render` takes them.

    Args:
      model: from `load_model`.
      images: preprocessed, `[N, H, W, C]`.
      names: of the N images.
    """
    seen = activations(model, images, limits=Limits(tensors=6, channels=36))
    samples = as_shown(model, images, names, seen.sample_images)
    pictures = []
    for tensor in seen.tensors:
        png = picture_png(activation_sheet(tensor, samples, len(seen.images), model.labels))
        pictures.append({"source": picture(png), "caption": f"Activations of {tensor.name}"})
    lacking = font_note(seen, None, model.labels)
    rows = [tensor.row() for tensor in seen.tensors]
    return {
        "anchor": "activations",
        "title": "Activations",
        "text": f"Statistics over {len(seen.images):,} images, pictures of {len(samples)} of them."
        + (f" {sentence(lacking)}" if lacking else ""),
        "pictures": pictures,
        "rows": [{name: row[name] for name in _COLUMNS} for row in rows],
    }
