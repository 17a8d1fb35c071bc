"""Keeps other packages' chatter off the terminal.

TensorFlow's C++ code writes to file descriptor 2 whatever the log level says, while it is imported
and later too. So descriptor 2 is pointed at the null device for the whole process, and
`sys.stderr`, through which everything of ours goes, at a copy of the old one.
"""

import faulthandler
import logging
import os
import sys
import warnings

_state = {"debug": False, "done": False}


def debugging() -> bool:
    """Tells whether `--debug` was given."""
    return _state["debug"]


def set_up(*, verbose: bool, debug: bool) -> None:
    """Applies `--verbose` and `--debug` to this process, before TensorFlow is imported."""
    _state["debug"] = debug
    if verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0")
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    for name in ("tensorflow", "absl", "matplotlib", "h5py"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not _state["done"] and _owns_descriptor(sys.stderr):
        _state["done"] = True
        _divert_descriptor()


def _owns_descriptor(stream: object) -> bool:
    # Under a test runner `sys.stderr` is a buffer in memory: there is nothing to divert.
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False


def _divert_descriptor() -> None:
    ours = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    sys.stderr = os.fdopen(ours, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    # A crash in native code must still be seen.
    faulthandler.enable(sys.stderr)
