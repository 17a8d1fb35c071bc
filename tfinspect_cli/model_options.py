"""The options that say how a model is loaded: its weights, and the ends of a stored graph."""

from collections.abc import Callable
from typing import Any

import click

from tfinspect.errors import ConfigError
from tfinspect.nets.registry import get_spec
from tfinspect_cli.weights_path import weights_path

_OPTIONS = (
    click.option(
        "--checkpoint",
        metavar="PATH",
        help="Weights of a network or graph that is given without them: any artifact, or a "
        "network's name for its published ones.",
    ),
    click.option(
        "--net",
        metavar="NAME",
        help="Network whose preprocessing a graph has, or that a checkpoint is of.",
    ),
    click.option(
        "--input-name", metavar="NAME", help="Tensor of a stored graph that takes the images."
    ),
    click.option(
        "--output-name",
        metavar="NAME",
        help="Tensor of a stored graph, or output of its signature.",
    ),
    click.option(
        "--feed",
        "feeds",
        multiple=True,
        metavar="NAME=VALUE",
        help="What else a stored graph must be fed, such as is_training:0=false; may be given more "
        "than once.",
    ),
)
_NAMES = ("checkpoint", "net", "input_name", "output_name")


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--checkpoint`, `--net`, `--input-name`, `--output-name` and `--feed` to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def take_model_options(options: dict[str, Any]) -> dict[str, Any]:
    """Takes the options of `model_options` out of a command's, as `load_model` takes them.

    Args:
      options: all keyword arguments of the command; loses those.

    Returns:
      Keyword arguments of `load_model`, those that were given alone.

    Raises:
      ConfigError: a feed is no constant.
      NetworkError: there is no network of the name in `--net`, or no weights were published of
        that in `--checkpoint`.
      DataError: the file of a feed is missing or broken, or weights cannot be downloaded.
    """
    taken = {name: options.pop(name, None) for name in _NAMES}
    if taken["checkpoint"]:
        taken["checkpoint"] = weights_path(taken["checkpoint"])
    if taken["net"]:
        # Needs no TensorFlow, whose seconds a wrong name should not cost.
        get_spec(taken["net"])
    feeds = _constants(options.pop("feeds", ()))
    return {name: value for name, value in {**taken, "feeds": feeds}.items() if value}


def _constants(texts: tuple[str, ...]) -> dict[str, Any]:
    if not texts:
        return {}
    from tfinspect.play.feeds import ImageFiles, parse_feeds

    feeds = parse_feeds(texts)
    for name, value in feeds.items():
        if isinstance(value, ImageFiles):
            raise ConfigError(
                f"'{name}' is fed '{value}', which is no constant; give a number, true, false, a "
                "list or a .npy file, and name the tensor that takes the images with --input-name."
            )
    return feeds
