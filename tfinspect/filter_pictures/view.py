"""Reads one layer and lays it out, alone or before and after a change."""

import os
from dataclasses import dataclass

import numpy as np

from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.filter_pictures.arrangement import (
    DEFAULT_VIEW,
    MOST_CHANNELS,
    MOST_FILTERS,
    Arrangement,
    FilterView,
)
from tfinspect.filter_pictures.words import notes
from tfinspect.plots.filter_sheet import FilterSheet, Note
from tfinspect.plots.grid import tile_grid
from tfinspect.probe.filter_marks import FilterMarks, filter_marks
from tfinspect.probe.filter_order import filter_order
from tfinspect.probe.filter_tiles import chosen_layout, principal_components
from tfinspect.probe.filters import ImageShape, Kernel
from tfinspect.probe.kernel_choice import find_kernel
from tfinspect.probe.kernel_values import read_kernel


@dataclass(frozen=True)
class ViewedFilters:
    """One layer, ready to be drawn.

    Attributes:
      kernel: the layer.
      layout: `rgb`, `pca`, `channels` or `matrix`.
      places: int `[N]`, of the drawn filters among the stored ones, in the order of the tiles.
      marks: of the layer's filters; in a comparison those of the state after. Where the layer has
        more filters than are drawn in the order `index`, the others are not read.
      sheet: what is drawn.
    """

    kernel: Kernel
    layout: str
    places: np.ndarray
    marks: FilterMarks
    sheet: FilterSheet


def filter_grid(
    artifact: Artifact | str | os.PathLike[str],
    name: str,
    *,
    view: FilterView = DEFAULT_VIEW,
    image_shape: ImageShape | None = None,
) -> np.ndarray:
    """Draws the filters of one layer as pixels, without title and legend.

    Args:
      artifact: an opened artifact, or its path.
      name: of a variable, or of the scope of a separable convolution.
      view: layout, order, limits, scale, padding and size of the grid.
      image_shape: height, width and channels of the images that a dense layer takes; None finds it.

    Returns:
      uint8 `[rows, cols, 3]`.

    Raises:
      ArtifactError: no such kernel, or a value that cannot be read.
      ConfigError: a layout, order or scale that does not exist or does not fit the kernel.
    """
    if not isinstance(artifact, Artifact):
        artifact = open_artifact(artifact)
    kernel = find_kernel(artifact, name, image_shape)
    (grid,) = view_filters(artifact, kernel, view).sheet.grids
    return tile_grid(grid.tiles, grid.style)


def view_filters(
    artifact: Artifact,
    kernel: Kernel,
    view: FilterView = DEFAULT_VIEW,
    after: Artifact | None = None,
) -> ViewedFilters:
    """Reads a layer and lays it out; with `after`, its filters before, after and their difference.

    Order and principal components are those of `artifact`; the difference is `after` minus
    `artifact`, on a symmetric scale of its own.

    Raises:
      ArtifactError: a value cannot be read, or `after` has none of that name and shape.
      ConfigError: a layout or order that does not exist or does not fit the kernel.
    """
    layout = chosen_layout(view.layout, kernel.shape)
    most = view.max_filters or MOST_FILTERS[layout]
    # Other orders need all filters; of stored ones only those that are drawn are read.
    first = most if view.order == "index" and kernel.filters > most else None
    before = read_kernel(artifact, kernel, first)
    arranged = Arrangement(
        view=view,
        layout=layout,
        places=filter_order(_rows(before), view.order, most),
        channels=view.max_channels or MOST_CHANNELS.get(layout),
        projection=principal_components(before) if layout == "pca" else None,
    )
    states = {"": before}
    if after is not None:
        states = {"before": before, "after": read_kernel(after, kernel, first)}
    marks = {caption: filter_marks(_rows(state)) for caption, state in states.items()}
    if after is not None:
        states["difference"] = _difference(states)
    sheet = FilterSheet(
        title=kernel.name,
        subtitle=kernel.description(),
        grids=arranged.grids(states, marks),
        notes=(
            *notes(kernel, arranged, arranged.tiles(before).note, marks),
            Note(artifact.path if after is None else f"{artifact.path}, then {after.path}"),
        ),
    )
    return ViewedFilters(kernel, layout, arranged.places, list(marks.values())[-1], sheet)


def _rows(kernel: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(kernel.reshape(-1, kernel.shape[3]).T)


def _difference(states: dict[str, np.ndarray]) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        return states["after"] - states["before"]
