"""Writes the filters of chosen layers: one page, one file a layer, or for TensorBoard."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tfinspect import files
from tfinspect.artifacts import Artifact, opened
from tfinspect.filter_pictures.arrangement import DEFAULT_VIEW, FilterView
from tfinspect.filter_pictures.comparison import Comparison, PathLike, in_both
from tfinspect.filter_pictures.output import FilterOutput, ending, layer_names, page_name
from tfinspect.filter_pictures.view import ViewedFilters, view_filters
from tfinspect.plots.drawing import Picture
from tfinspect.plots.filter_sheet import draw_filter_page, draw_filter_sheet
from tfinspect.plots.raster import picture_png
from tfinspect.plots.vector import picture_svg
from tfinspect.probe.kernel_choice import KernelChoice, choose_kernels

Progress = Callable[[str, int, int], None]
_STEP = "global_step"
_DEFAULT_OUTPUT, _DEFAULT_CHOICE = FilterOutput(), KernelChoice()


@dataclass(frozen=True)
class FilterPicture:
    """One layer in one written file.

    Attributes:
      file: path of the file; the directory for TensorBoard.
      variable: of the layer; the scope of a separable convolution.
      kind: such as `convolution`.
      layout: `rgb`, `pca`, `channels` or `matrix`.
      filters, drawn: how many there are, and how many of them are in the picture.
      dead, duplicated: filters that are; nan: values that are NaN or infinite. In a comparison
        these are of the state after, and where not all filters were read, of the drawn ones.
    """

    file: str
    variable: str
    kind: str
    layout: str
    filters: int
    drawn: int
    dead: int
    duplicated: int
    nan: int

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `visualize-weights` writes; its keys are stable."""
        return asdict(self)


@dataclass(frozen=True)
class WrittenFilters:
    """What was written, and what should be said of how the layers were chosen."""

    pictures: tuple[FilterPicture, ...]
    notes: tuple[str, ...] = ()


def visualize_weights(
    artifact: Artifact | PathLike,
    output: FilterOutput = _DEFAULT_OUTPUT,
    *,
    choice: KernelChoice = _DEFAULT_CHOICE,
    view: FilterView = DEFAULT_VIEW,
    compare: Comparison | Artifact | PathLike | None = None,
    progress: Progress | None = None,
) -> WrittenFilters:
    """Draws the filters of an artifact's layers; equal arguments give equal bytes of PNG and SVG.

    Args:
      artifact: an opened artifact, or its path.
      output: which files to write; they appear when all layers were drawn.
      choice: which layers; the first one where nothing is asked for.
      view: how they are looked at.
      compare: another artifact with layers of the same names, or of those that the rules of a
        `Comparison` give: before, after and difference are drawn side by side, and layers of
        another shape there are left out, with a note.
      progress: is called with what is done, how many layers are, and of how many.

    Raises:
      ArtifactError: an artifact that cannot be opened or read, or that holds no kernel.
      ConfigError: nothing matches, or a setting that does not exist or does not fit.
      DataError: a file cannot be written.
    """
    before, after = opened(artifact), None
    chosen = choose_kernels(before, choice)
    kernels, notes = list(chosen.kernels), list(chosen.notes)
    if compare is not None:
        if not isinstance(compare, Comparison):
            compare = Comparison(compare)
        after = compare.under_names_of(before)
        kernels, told = in_both(kernels, before, after)
        notes += told
    viewed = []
    for number, kernel in enumerate(kernels, 1):
        viewed.append(view_filters(before, kernel, view, after))
        if progress is not None:
            progress("drawing", number, len(kernels))
    return WrittenFilters(tuple(_written(before, viewed, output)), tuple(notes))


def _written(
    artifact: Artifact, viewed: Sequence[ViewedFilters], output: FilterOutput
) -> list[FilterPicture]:
    # Everything is rendered before the first file is written.
    rendered: list[tuple[str, bytes, Sequence[ViewedFilters]]] = []
    page = output.page
    if page is None and output.directory is None and output.events is None:
        names = [layer.kernel.name for layer in viewed]
        page = f"{page_name(artifact.path, names)}.{output.picture_format}"
    if page is not None:
        picture = draw_filter_page(_title(artifact), [one.sheet for one in viewed])
        rendered.append((page, _rendered(picture, ending(page)), viewed))
    if output.directory is not None:
        rendered += _by_layer(output.directory, output.picture_format, viewed)
    pictures = []
    for path, data, layers in rendered:
        files.make_directory(os.path.dirname(path) or ".")
        with files.writing(path) as stream:
            files.write(stream, data)
        pictures += [_record(path, layer) for layer in layers]
    if output.events is not None:
        _write_events(artifact, viewed, output.events)
        pictures += [_record(output.events, layer) for layer in viewed]
    return pictures


def _by_layer(
    directory: str, picture_format: str, viewed: Sequence[ViewedFilters]
) -> list[tuple[str, bytes, Sequence[ViewedFilters]]]:
    found: list[tuple[str, bytes, Sequence[ViewedFilters]]] = []
    names = layer_names([layer.kernel.name for layer in viewed])
    for layer, name in zip(viewed, names, strict=True):
        path = files.join(directory, f"{name}.{picture_format}")
        data = _rendered(draw_filter_sheet(layer.sheet), picture_format)
        found.append((path, data, [layer]))
    return found


def _rendered(picture: Picture, picture_format: str) -> bytes:
    return picture_svg(picture).encode() if picture_format == "svg" else picture_png(picture)


def _write_events(artifact: Artifact, viewed: Sequence[ViewedFilters], directory: str) -> None:
    from tfinspect.event_file import EventFile

    step, events = _step(artifact), EventFile(directory, "filters")
    for layer in viewed:
        picture = draw_filter_sheet(layer.sheet)
        size = picture.height, picture.width
        events.image(f"filters/{layer.kernel.name}", picture_png(picture), size, step)
    events.flush()


def _step(artifact: Artifact) -> int:
    entries = {entry.name: entry for entry in artifact.variables}
    entry = entries.get(_STEP)
    if entry is None or not entry.readable or entry.parameters != 1:
        return 0
    return int(artifact.read(_STEP).reshape(()))


def _title(artifact: Artifact) -> str:
    return f"Filters of {artifact.path}"


def _record(path: str, layer: ViewedFilters) -> FilterPicture:
    marks = layer.marks
    return FilterPicture(
        file=path,
        variable=layer.kernel.name,
        kind=layer.kernel.kind,
        layout=layer.layout,
        filters=layer.kernel.filters,
        drawn=len(layer.places),
        dead=len(marks.dead),
        duplicated=len(marks.duplicated),
        nan=marks.not_finite,
    )
