"""The options with which the pictures of filters are chosen, laid out and written."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import click

from tfinspect_cli.emit import FORMATS

PATHS = "paths"
ImageShape: TypeAlias = tuple[int, int, int]
# As in `tfinspect.probe.filter_tiles` and `filter_order`, which import NumPy.
_LAYOUTS = ("auto", "rgb", "pca", "channels", "matrix")
_ORDERS = ("index", "norm", "similarity")
_SCALES = ("symmetric", "fixed", "per-filter")


def _image_shape(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> ImageShape | None:
    del ctx, parameter
    if value is None:
        return None
    found = re.fullmatch(r"(\d+)x(\d+)x(\d+)", value)
    if not found or not all(int(size) for size in found.groups()):
        raise click.BadParameter(f"'{value}' is no image; give HEIGHTxWIDTHxCHANNELS, as 28x28x1.")
    height, width, channels = map(int, found.groups())
    return height, width, channels


def _limits(
    ctx: click.Context, parameter: click.Parameter, value: tuple[float, float] | None
) -> tuple[float, float] | None:
    del ctx, parameter
    if value is not None and value[0] == value[1]:
        raise click.BadParameter(f"{value[0]:g} twice makes no scale; give two numbers.")
    return value


def _choice(name: str, values: Sequence[str], text: str) -> Callable[..., Any]:
    """Returns an option of a few values, the first of which is the default."""
    kind = click.Choice(values)
    return click.option(name, type=kind, default=values[0], show_default=True, help=text)


_OPTIONS = (
    click.option("--all", "every", is_flag=True, help="All layers."),
    _choice(
        "--layout",
        _LAYOUTS,
        "Color for 3 channels; principal components of deeper layers as color; one grey tile for "
        "each input channel; a matrix for windows of 1x1.",
    ),
    _choice("--order", _ORDERS, "As stored, largest norm first, or similar filters side by side."),
    _choice(
        "--scale",
        _SCALES,
        "0 as mid-grey, from the least to the largest value, or each filter on its own scale.",
    ),
    click.option(
        "--limits",
        type=float,
        nargs=2,
        metavar="LOW HIGH",
        callback=_limits,
        help="Limits of a fixed or symmetric scale.",
    ),
    click.option("--columns", type=click.IntRange(min=1), help="Tiles in a row, in rgb and pca."),
    click.option("--max-filters", type=click.IntRange(min=1), help="Most filters of a layer."),
    click.option("--max-channels", type=click.IntRange(min=1), help="Most inputs of a filter."),
    click.option(
        "--image-shape",
        metavar="HxWxC",
        callback=_image_shape,
        help="The images that dense layers take.",
    ),
)

_OUTPUT_OPTIONS = (
    click.option("--compare", metavar="OTHER", help="Draw before, after (OTHER) and difference."),
    click.option(
        "--rename",
        "renames",
        multiple=True,
        metavar="'REGEX=>NEW'",
        help="Rewrites ARTIFACT's names into OTHER's; may be given more than once.",
    ),
    click.option("--output", "page", metavar="FILE", help="One page, a .png or .svg file."),
    click.option(
        "--per-layer", "directory", metavar="DIR", help="One file a layer, in this directory."
    ),
    click.option(
        "--svg",
        "picture_format",
        flag_value="svg",
        default="png",
        help="Write SVG where no file is named.",
    ),
    click.option(
        "--tensorboard", "events", metavar="DIR", help="Images for TensorBoard, in an event file."
    ),
    click.option(
        "--format",
        "output_format",
        type=click.Choice((PATHS, *FORMATS)),
        default=PATHS,
        show_default=True,
        help="Standard output: the files' paths, or a record for each layer.",
    ),
)


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of layers and their layout to a command."""
    return _decorated(function, _OPTIONS)


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of what is compared and written to a command."""
    return _decorated(function, _OUTPUT_OPTIONS)


def _decorated(
    function: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    for option in reversed(options):
        function = option(function)
    return function
