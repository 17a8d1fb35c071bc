"""Ctrl-C and SIGTERM as a request to stop after the running step."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from tfinspect.errors import TrainingInterruptedError


class StopRequest:
    """Whether the user, or the system, asked for the end of training."""

    def __init__(self) -> None:
        self.requested = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Notes the first signal; a second one interrupts at once."""
        del number, frame
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def interrupted_after(step: int, command: str, output: str) -> TrainingInterruptedError:
    """Words the end that was asked for, after a backup at a step of a command's run."""
    return TrainingInterruptedError(
        f"stopped after step {step}, with a checkpoint; go on with "
        f"`tfinspect {command} --resume --output {output}`."
    )


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Yields a request that SIGINT and SIGTERM set while the block runs.

    Outside the main thread, where Python cannot install handlers, nothing sets it. Within such a
    block it is the block's own request, so that one that comes after the last look here is seen at
    the next one there.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    outer = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(outer, StopRequest):
        yield outer
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, request.receive) for number in numbers]
    try:
        yield request
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
