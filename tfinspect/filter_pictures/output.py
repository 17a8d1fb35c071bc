"""Where pictures of filters go, and under which names."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tfinspect.errors import ConfigError

FORMATS = ("png", "svg")


def ending(path: str) -> str:
    """Returns the ending of a file's name in small letters, without its dot."""
    return os.path.splitext(path)[1].removeprefix(".").lower()


def _check_format(picture_format: str, given: str) -> None:
    if picture_format not in FORMATS:
        raise ConfigError(
            f"'{given}' names no format of pictures; there are: 'png', 'svg'. "
            "End the file's name with one of these."
        )


@dataclass(frozen=True)
class FilterOutput:
    """Where pictures of filters go; with nothing given, one PNG in the working directory.

    Attributes:
      page: file of one page with all layers; its ending, `.png` or `.svg`, is its format.
      directory: of one file a layer; it is created where it is missing.
      picture_format: `png` or `svg`, of the files in `directory` and of the page that nobody named.
      events: directory for a TensorBoard event file.
    """

    page: str | None = None
    directory: str | None = None
    picture_format: str = "png"
    events: str | None = None

    def __post_init__(self) -> None:
        _check_format(self.picture_format, self.picture_format)
        if self.page is not None:
            _check_format(ending(self.page), self.page)


def page_name(artifact_path: str, layers: Sequence[str]) -> str:
    """Returns the name, without its ending, of a page that nobody named.

    >>> page_name("runs/a/best/model.ckpt-300", ["resnet/conv1/weights"])
    'model.ckpt-300-resnet.conv1.weights'
    """
    stem = os.path.basename(os.path.normpath(artifact_path))
    return f"{stem}-{_plain(layers[0]) if len(layers) == 1 else 'filters'}"


def layer_names(layers: Sequence[str]) -> list[str]:
    """Returns names of files, without endings; numbered where two would be the same.

    >>> layer_names(["a/b", "a.b", "c:0"])
    ['a.b', 'a.b-2', 'c.0']
    """
    taken: Counter[str] = Counter()
    found = []
    for layer in layers:
        name = _plain(layer)
        taken[name] += 1
        found.append(f"{name}-{taken[name]}" if taken[name] > 1 else name)
    return found


def _plain(name: str) -> str:
    # Neither slashes nor colons may be in the name of a file.
    letters = [letter if letter.isalnum() or letter in "._-" else "." for letter in name]
    return "".join(letters).strip(".") or "kernel"
