"""Processes that do not outlive the one that started them, even where that one is killed."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

# PR_SET_PDEATHSIG of prctl(2).
_SET_SIGNAL_OF_PARENTS_DEATH = 1


def ending_with_parent() -> Callable[[], None] | None:
    """Returns what a new process calls before its program starts; None where there is no such call.

    Linux then kills it when the thread that started it ends. A request to stop would not do: what
    the process says meets a closed pipe, and TensorFlow's servers wait for each other.
    """
    if not sys.platform.startswith("linux"):
        return None
    # Looked up here: between fork and exec other threads' locks stay held.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def before_program() -> None:
        prctl(_SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # It was killed before the call, which therefore tells nobody.
            os._exit(128 + signal.SIGKILL)

    return before_program
