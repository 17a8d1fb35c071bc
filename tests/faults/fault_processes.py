"""Real processes of `tfinspect` that are killed, or whose writes fail, at a chosen moment.

They are forked from a server that has TensorFlow imported and nothing computed, as TensorFlow's own
tests of several processes do: each starts in a fraction of a second.
"""

import errno
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfinspect.training import checkpoints

# Two steps an epoch on the digits; a backup after each epoch.
TINY = {"depth": 8, "width": 0.25, "batch_size": 512, "epochs": 3, "learning_rate": 0.02}
_PRELOADED = [
    *("tensorflow", "tf_keras", "sklearn.metrics", "tfinspect_cli.main", "tfinspect.model"),
    *("tfinspect.training.loop", "tfinspect.training.export", "tfinspect.training.evaluate"),
    *("tfinspect.training.run", "tfinspect.plots.curves"),
]
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link"}


@dataclass(frozen=True)
class Fault:
    """What happens at the n-th change of a file under `place`, 1 for the first.

    Python tells its audit hooks of every file that it opens for writing, renames or deletes.
    """

    place: str
    number: int
    # None kills the process; a number of `errno` lets this change, and all later ones, fail.
    error: int | None = None

    def install(self):
        seen = 0

        def hook(event, arguments):
            nonlocal seen
            if not self._is_change(event, arguments):
                return
            seen += 1
            if seen < self.number:
                return
            if self.error is None:
                os.kill(os.getpid(), signal.SIGKILL)
            # Deleting works on a full disk.
            if self.error != errno.ENOSPC or event not in {"os.remove", "os.rmdir"}:
                raise OSError(self.error, os.strerror(self.error), arguments[0])

        sys.addaudithook(hook)

    def _is_change(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            changes = bool(flags & _WRITING)
        else:
            path, changes = arguments[0] if arguments else None, event in _CHANGES
        return changes and isinstance(path, str) and path.startswith(self.place)


def train_arguments(output):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    return ["train", *options, "--output", str(output)]


def resume_arguments(output):
    return ["train", "--resume", "--output", str(output)]


def _command(arguments, fault):
    if fault is not None:
        fault.install()
    from tfinspect_cli.main import main

    sys.argv = ["tfinspect", *arguments]
    main()


def _logged(log, function, arguments):
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    function(*arguments)


def start_function(function, *arguments, log):
    """Starts a function in a process of its own; its output goes to the end of the file `log`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    given = (str(log), function, arguments)
    process = context.Process(target=_logged, args=given, daemon=True)
    process.start()
    return process


def start(arguments, log, fault=None):
    """Starts `tfinspect` with these arguments, as `start_function` does."""
    return start_function(_command, arguments, fault, log=log)


def finish(process, seconds=None):
    """Waits for the end, or for so long; returns the exit status, None while it runs."""
    process.join(seconds)
    return process.exitcode


def wait_for(condition, process, seconds=120.0):
    """Waits until a condition holds while a process runs; tells whether it did."""
    end = time.monotonic() + seconds
    while not condition():
        if process.exitcode is not None or time.monotonic() > end:
            return condition()
        process.join(0.005)
    return True


def weights(output):
    """Returns all that the newest checkpoint of a run holds."""
    return checkpoints.read(checkpoints.latest(os.path.join(output, "checkpoints")))


def assert_same_weights(ours, theirs):
    assert sorted(ours) == sorted(theirs)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def temporary_names(output):
    return [path.name for path in Path(output).rglob("*") if ".tmp-" in path.name]
