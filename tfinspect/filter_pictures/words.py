"""What is said below the filters of a layer: scale, layout, what is left out, what is wrong."""

from collections.abc import Mapping, Sequence

from tfinspect.filter_pictures.arrangement import Arrangement
from tfinspect.plots.filter_panel import DEAD_COLOR, DUPLICATE_COLOR
from tfinspect.plots.filter_sheet import Note
from tfinspect.plots.grid import NOT_FINITE
from tfinspect.probe.filter_marks import FilterMarks
from tfinspect.probe.filters import Kernel

_MOST_NAMED, _MOST_BROKEN = 8, 5
_SCALES = {
    "symmetric": "0 is mid-grey; one scale for all filters",
    "fixed": "one scale for all filters",
    "per-filter": "each filter on a scale of its own",
}


def notes(
    kernel: Kernel, arranged: Arrangement, meaning: str, marks: Mapping[str, FilterMarks]
) -> tuple[Note, ...]:
    """Words the lines below a layer's grids.

    Args:
      kernel: the layer.
      arranged: how it is laid out.
      meaning: what colors and rows stand for.
      marks: caption -> findings, in the order in which they are told.
    """
    scale = _SCALES[arranged.view.style.scale]
    found = [scale, meaning, _order(arranged), _left_out(kernel, arranged)]
    lines = [Note(text) for text in found if text]
    for caption, state in marks.items():
        lines += _findings(f"{caption}: " if caption else "", state)
    return tuple(lines)


def _order(arranged: Arrangement) -> str:
    orders = {"norm": "largest norm first", "similarity": "similar filters side by side"}
    return orders.get(arranged.view.order, "")


def _left_out(kernel: Kernel, arranged: Arrangement) -> str:
    height, width, inputs, filters = kernel.shape
    inputs *= height * width if arranged.layout == "matrix" else 1
    parts = []
    if len(arranged.places) < filters:
        parts.append(f"{len(arranged.places):,} of {filters:,} filters")
    if arranged.channels is not None and arranged.channels < inputs:
        parts.append(f"{arranged.channels:,} of {inputs:,} inputs")
    return f"only the first {' and '.join(parts)} are drawn" if parts else ""


def _findings(caption: str, marks: FilterMarks) -> list[Note]:
    found = []
    if marks.dead:
        places = _listed([str(place) for place in marks.dead])
        found.append(Note(f"{caption}{len(marks.dead):,} dead: filter {places}", DEAD_COLOR))
    if marks.duplicated:
        pairs = _listed([f"{place} equals {first}" for place, first in marks.duplicated])
        count = len(marks.duplicated)
        found.append(Note(f"{caption}{count:,} duplicated: filter {pairs}", DUPLICATE_COLOR))
    if marks.not_finite:
        places = _listed([str(place) for place in marks.broken], _MOST_BROKEN)
        words = f"{caption}NaN or infinite values: {marks.not_finite:,}, in filter {places}"
        found.append(Note(words, NOT_FINITE, filled=True))
    return found


def _listed(words: Sequence[str], most: int = _MOST_NAMED) -> str:
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
