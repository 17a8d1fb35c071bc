"""`--cluster-timeout`, which every command that waits for other processes has."""

from collections.abc import Callable
from typing import Any

import click


def timeout_option(seconds: float, awaited: str) -> Callable[..., Any]:
    """Returns the option, with its default and whom it waits for."""
    return click.option(
        "--cluster-timeout",
        type=click.FloatRange(0.1),
        default=seconds,
        show_default=True,
        help=f"Seconds to wait for {awaited}.",
    )
