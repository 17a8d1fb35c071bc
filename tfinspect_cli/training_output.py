"""What `tfinspect train` shows: a line per epoch on stderr, the result on stdout."""

import sys
import time
from collections.abc import Callable
from typing import Any

import click

from tfinspect_cli.emit import message
from tfinspect_cli.stages import stages

_CLEAR_LINE = "\r\x1b[2K"


def run(start: Callable[[Any, Any], Any]) -> None:
    """Starts or resumes a run and reports it.

    Args:
      start: called with an `Observer` and the module `tfinspect.training.run`; returns its result.
    """
    from tfinspect.training import run as runs

    result = observed(lambda observer: start(observer, runs))
    click.echo(f"test accuracy        {result.test_accuracy:.2%}")
    click.echo(f"validation accuracy  {result.validation_accuracy:.2%}  (step {result.best_step})")
    click.echo(f"training time        {result.training_seconds:.0f} s, {result.step} steps")
    click.echo(f"run directory        {result.directory}")
    message(
        "The test split was read once, with the weights that did best on the validation split.\n"
        f"Curves: {result.directory}/curves.png, or "
        f"`tensorboard --logdir {result.directory}/events`."
    )


def observed(start: Callable[[Any], Any]) -> Any:
    """Calls a function with an `Observer` that shows a run's epochs, and returns its result."""
    from tfinspect.training.run import Observer

    with stages() as progress:
        lines = EpochLines()
        observer = Observer(lines.epoch, lines.step, lines.phase, on_data=progress)
        try:
            return start(observer)
        finally:
            # What is said of a stop stands on a line of its own.
            lines.clear()


class EpochLines:
    """One line per epoch; on a terminal, the running step below it."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.stepping = False
        self.epochs = 0
        self.shown = 0.0
        self.has_step = False
        self.on_terminal = sys.stderr.isatty()

    def step(self, step: int, total: int) -> None:
        """Shows how far the run is, at most twice a second."""
        now = time.monotonic()
        if not self.stepping:
            # What comes before the first step, its tracing too, comes once.
            self.started, self.stepping = now, True
        if self.on_terminal and now - self.shown > 0.5:
            self.shown, self.has_step = now, True
            click.echo(f"{_CLEAR_LINE}step {step:,} of {total:,}", err=True, nl=False)

    def epoch(self, record: Any, total: int) -> None:
        """Prints one epoch's line: loss, accuracy, images per second, time left."""
        self.epochs += 1
        each = (time.monotonic() - self.started) / self.epochs
        left = _duration((total - record.epoch) * each)
        self.phase(f"{record.line(total)}  {left} left")

    def phase(self, text: str) -> None:
        """Prints a sentence in the place of the running step."""
        self.clear()
        message(text)

    def clear(self) -> None:
        """Takes the running step away."""
        if self.has_step:
            self.has_step = False
            click.echo(_CLEAR_LINE, err=True, nl=False)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def find_learning_rate(config: Any, output: str) -> None:
    """Runs the learning-rate finder and says where its curve is."""
    from tfinspect.training import lr_finder

    with stages() as progress:
        found = lr_finder.find_learning_rate(config, output, progress=progress)
    tell_rate(found)


def tell_rate(found: Any) -> None:
    """Says what a range test suggests, and where its curve is."""
    click.echo(f"suggested learning rate  {found.suggestion:.3g}")
    click.echo(f"curve                    {found.picture}")
    message(
        "The network was thrown away. Train with the same command, --learning-rate "
        f"{found.suggestion:.3g} in the place of --find-lr."
    )
