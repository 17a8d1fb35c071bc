"""This process begun anew, by its own command."""

import contextlib
import os
import sys
from typing import NoReturn

from tfinspect.training import generated_files


def restart() -> NoReturn:
    """Puts a fresh start of the command into the place of this process, under its id.

    TensorFlow cannot leave a cluster and join one again within a process.
    """
    generated_files.remove_generated()
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        # Other packages' chatter was turned away from there, and our messages put elsewhere.
        os.dup2(sys.stderr.fileno(), 2)
    for name in os.listdir("/proc/self/fd"):
        # The ports of TensorFlow's server must be free again.
        if int(name) > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name), False)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
