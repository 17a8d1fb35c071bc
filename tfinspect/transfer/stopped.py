"""A stop outside a stage's steps: what is kept of the run, and how to go on."""

import contextlib
import signal
import threading
from collections.abc import Iterator

from tfinspect.errors import TrainingInterruptedError
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory


@contextlib.contextmanager
def stops_told(output: str) -> Iterator[None]:
    """Ends the block on SIGINT and SIGTERM with a sentence on what is kept.

    Inside a stage `stop_requests` takes the signals, and ends after a step.

    Args:
      output: path of the run directory, of which the checkpoint tells what can be gone on with.

    Raises:
      TrainingInterruptedError: such a signal came.
    """
    with _terminated_as_interrupted(), telling_what_is_kept(output):
        yield


@contextlib.contextmanager
def telling_what_is_kept(output: str, writer: str | None = None) -> Iterator[None]:
    """Words the interruption of a block, as `stops_told` does, of SIGINT alone.

    Args:
      output: path of the run directory.
      writer: the process that writes it; None is this one.

    Raises:
      TrainingInterruptedError: the block was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise TrainingInterruptedError(_kept(output, writer)) from error


def _kept(output: str, writer: str | None) -> str:
    resume = f"`tfinspect finetune --resume --output {output}`"
    if writer is not None:
        return (
            f"stopped; {writer} keeps the run: where it has a checkpoint, go on with {resume} in "
            "all processes, else with the same command."
        )
    progress = Progress.read(RunDirectory(output))
    if not progress.checkpoint:
        return (
            "stopped before the run's first checkpoint, so that nothing can be gone on with; the "
            "same command begins anew."
        )
    return (
        f"stopped; the checkpoint after step {progress.step} is kept, what was done since is not; "
        f"go on with {resume}."
    )


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
