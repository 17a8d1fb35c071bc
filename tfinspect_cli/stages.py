"""Progress of several stages, one bar for each, to standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Yields `advance()` behind the bar of a single stage of `total` parts."""
    parts = count(1)
    with stages() as report:
        yield lambda: report(what, next(parts), total)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yields `report(what, done, total)`; each new `what` opens a bar.

    There are no bars when stderr is no terminal. A total of 0 means that it is unknown.
    """
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import Progress

    bars = Progress(console=Console(stderr=True), transient=True)
    tasks: dict[str, Any] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            bars.start()
            tasks[what] = bars.add_task(what, total=total or None)
        bars.update(tasks[what], completed=done, total=total or None)
        # Lines printed below a live bar would be torn: it goes as soon as everything is done.
        if bars.finished:
            bars.stop()

    try:
        yield report
    finally:
        bars.stop()
