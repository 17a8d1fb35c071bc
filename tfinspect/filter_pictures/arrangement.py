"""How the filters of one layer are laid out: the same way in every state of a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.plots.filter_panel import FilterGrid
from tfinspect.plots.grid import GridStyle, scale_limits
from tfinspect.probe.filter_marks import FilterMarks
from tfinspect.probe.filter_tiles import FilterTiles, Projection, filter_tiles

# Layout -> how many filters, and input channels or rows, are drawn where nobody says.
MOST_FILTERS = {"rgb": 1024, "pca": 1024, "channels": 64, "matrix": 1024}
MOST_CHANNELS = {"channels": 64, "matrix": 1024}


@dataclass(frozen=True)
class FilterView:
    """How the filters of a layer are looked at.

    Attributes:
      layout: `rgb`, `pca`, `channels`, `matrix`; `auto` chooses by the kernel's shape.
      order: `index`, `norm` or `similarity`.
      max_filters: most filters that are drawn; None for 1,024, and 64 in the layout `channels`.
      max_channels: most input channels in `channels` and rows in `matrix`; None for 64 and 1,024.
      style: scale, limits and columns.
    """

    layout: str = "auto"
    order: str = "index"
    max_filters: int | None = None
    max_channels: int | None = None
    style: GridStyle = field(default_factory=GridStyle)

    def __post_init__(self) -> None:
        for name in ("max_filters", "max_channels"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise ConfigError(f"{name} {given} draws nothing; give 1 or more.")
        if self.style.scale == "per-filter" and self.style.limits is not None:
            raise ConfigError(
                "a scale of each filter's own takes no limits; leave them out, or choose the scale "
                "fixed or symmetric."
            )


DEFAULT_VIEW = FilterView()


@dataclass(frozen=True)
class Arrangement:
    """What was decided on one layer.

    Attributes:
      view: as it was asked for.
      layout: that `auto` stands for.
      places: of the drawn filters among the stored ones, in the order of the tiles.
      channels: how many input channels or rows are drawn; None for all.
      projection: onto principal components, in the layout `pca`.
    """

    view: FilterView
    layout: str
    places: np.ndarray
    channels: int | None = None
    projection: Projection | None = None

    def tiles(self, kernel: np.ndarray) -> FilterTiles:
        """Lays the chosen filters of `[kh, kw, in, filters]` out."""
        shown = kernel[..., self.places]
        if self.projection is not None:
            return self.projection.tiles(shown)
        return filter_tiles(shown, self.layout, self.channels)

    def grids(
        self, states: Mapping[str, np.ndarray], marks: Mapping[str, FilterMarks]
    ) -> tuple[FilterGrid, ...]:
        """Returns a grid for each state of the layer.

        The states that have marks share their scale; one without, which is a difference, has a
        symmetric scale of its own. Filters have their numbers where these cannot be counted, or
        where the words below name some.

        Args:
          states: caption -> kernel `[kh, kw, in, filters]`.
          marks: caption -> findings in the kernel.
        """
        tiles = {caption: self.tiles(kernel) for caption, kernel in states.items()}
        limits = self._limits([tiles[caption].tiles for caption in marks])
        numbered = self.view.order != "index" or any(
            state.dead or state.duplicated or state.broken for state in marks.values()
        )
        numbers = tuple(map(int, self.places)) if numbered else ()
        marked = [states[caption] for caption in marks]
        same = len(marked) > 1 and np.array_equal(marked[0], marked[-1], equal_nan=True)
        grids = []
        for caption, laid_out in tiles.items():
            grid = self._grid(caption, laid_out, limits, marks.get(caption))
            shown = f"no {caption}" if same and caption not in marks else caption
            grids.append(replace(grid, caption=shown, numbers=numbers))
        return tuple(grids)

    def _limits(self, tiles: list[np.ndarray]) -> tuple[float, float]:
        given = self.view.style.limits
        if given is not None:
            return given
        limits = [scale_limits(state, self.view.style.scale) for state in tiles]
        return min(low for low, _ in limits), max(high for _, high in limits)

    def _grid(
        self,
        caption: str,
        laid_out: FilterTiles,
        limits: tuple[float, float],
        marks: FilterMarks | None,
    ) -> FilterGrid:
        style = replace(
            self.view.style,
            columns=laid_out.columns or self.view.style.columns,
            tiles_per_filter=laid_out.per_filter,
            limits=limits,
        )
        if marks is None:
            style, marks = replace(style, scale="symmetric", limits=None), FilterMarks()
        drawn = {int(place): number for number, place in enumerate(self.places)}
        return FilterGrid(
            tiles=laid_out.tiles,
            style=style,
            caption=caption,
            matrix=self.layout == "matrix",
            dead=tuple(drawn[place] for place in marks.dead if place in drawn),
            duplicated=tuple(drawn[place] for place, _ in marks.duplicated if place in drawn),
        )
