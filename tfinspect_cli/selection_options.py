"""The options with which every listing chooses by name."""

from collections.abc import Callable, Sequence
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--scope",
        "scopes",
        multiple=True,
        metavar="SCOPE",
        help="Only this scope, by whole components; may be given more than once.",
    ),
    click.option("--match", metavar="REGEX", help="Only names in which the pattern is found."),
    click.option(
        "--exclude",
        multiple=True,
        metavar="REGEX",
        help="Without names in which the pattern is found; may be given more than once.",
    ),
)


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--scope`, `--match` and `--exclude` to a command."""
    return with_options(function, _OPTIONS)


def with_options(
    function: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    """Adds options to a command, in their order on its help page."""
    for option in reversed(options):
        function = option(function)
    return function
