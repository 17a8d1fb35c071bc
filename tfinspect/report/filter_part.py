"""The part of the page that shows filters: the first layer, and some from the whole depth."""

from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.errors import ArtifactError
from tfinspect.filter_pictures.view import view_filters
from tfinspect.plots.filter_sheet import draw_filter_sheet
from tfinspect.plots.raster import picture_png
from tfinspect.probe.filters import Kernel
from tfinspect.probe.kernel_choice import KernelChoice, choose_kernels
from tfinspect.report.page import picture
from tfinspect.spread import spread

_MOST_LAYERS = 6


def filter_part(artifact: Artifact) -> dict[str, Any] | None:
    """Returns pictures of filters as `page.render` takes them; None where there are no kernels."""
    try:
        first = choose_kernels(artifact).kernels[0]
        every = choose_kernels(artifact, KernelChoice(every=True)).kernels
    except ArtifactError:
        return None
    windows = [kernel for kernel in every if _is_window(kernel) and kernel.name != first.name]
    chosen = [first, *(windows[place] for place in spread(len(windows), _MOST_LAYERS - 1))]
    drawn = [one for one in (_drawn(artifact, kernel) for kernel in chosen) if one is not None]
    if not drawn:
        return None
    text = "The first layer" + (
        f", and {len(drawn) - 1} of {len(windows):,} deeper layers with windows, spread evenly."
        if len(drawn) > 1
        else "."
    )
    return {
        "anchor": "filters",
        "title": "Filters",
        "text": text,
        "pictures": drawn,
        "rows": [],
    }


def _is_window(kernel: Kernel) -> bool:
    shape = kernel.parts[0].shape or ()
    return len(shape) == 4 and shape[0] * shape[1] > 1


def _drawn(artifact: Artifact, kernel: Kernel) -> dict[str, str] | None:
    try:
        viewed = view_filters(artifact, kernel)
    except ArtifactError:
        # A damaged value stands among the findings.
        return None
    png = picture_png(draw_filter_sheet(viewed.sheet))
    return {"source": picture(png), "caption": f"Filters of {kernel.name}"}
