"""The options that say which network is built around a checkpoint."""

import re
from collections.abc import Callable
from typing import Any

import click

_NET = click.option(
    "--net",
    metavar="NAME",
    help="The network; of a run, and of published weights by name, it is known.",
)
_NUM_CLASSES = click.option(
    "--num-classes",
    type=click.IntRange(min=1),
    help="Columns of the logits.  [default: those of the checkpoint]",
)
_IMAGE_SIZE = click.option(
    "--image-size",
    metavar="N|HxW",
    help="Pixels, such as 331 or 240x320.  [default: the network's own]",
)


def network_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--net`, `--num-classes` and `--image-size` to a command."""
    return _NET(_NUM_CLASSES(_IMAGE_SIZE(function)))


def net_and_size_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--net` and `--image-size` to a command whose data say the number of classes."""
    return _NET(_IMAGE_SIZE(function))


def image_size(text: str | None, digits: int = 5) -> tuple[int, int] | None:
    """Reads `331` or `240x320` as (H, W).

    Args:
      text: of the option; None for none.
      digits: of a side, at most; more where the library itself refuses what is too large.

    Raises:
      click.BadParameter: it is neither.
    """
    if text is None:
        return None
    side = rf"([1-9]\d{{0,{digits - 1}}})"
    match = re.fullmatch(f"{side}(?:x{side})?", text)
    if match is None:
        raise click.BadParameter(f"'{text}' is no size; write 331, or 240x320 for HxW.")
    return int(match[1]), int(match[2] or match[1])


def read_labels(path: str | None) -> tuple[str, ...] | None:
    """Reads one label a line; None for no file.

    Raises:
      ConfigError: the file is missing, empty or no text.
    """
    if path is None:
        return None
    from tfinspect.extraction import labels_of_file

    return labels_of_file(path)
