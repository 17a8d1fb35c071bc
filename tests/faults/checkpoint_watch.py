"""A reader that looks at a run's checkpoints all the time while others write and kill."""

import contextlib
import glob
import threading
from pathlib import Path

import tfinspect
from tfinspect.errors import TfinspectError


class Watch:
    """Reads every value of every checkpoint that can be seen, until stopped.

    Attributes:
      whole: how often a checkpoint was read from end to end, every checksum right.
      halves: what was wrong with a checkpoint that was still there when its reading had failed.
    """

    def __init__(self, runs):
        self.runs = Path(runs)
        self.whole = 0
        self.halves = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_on)

    def _read_on(self):
        while not self._stop.is_set():
            for found in glob.glob(f"{self.runs}/*/*/model.ckpt-*.index"):
                self._read(Path(found))

    def _read(self, index):
        try:
            artifact = tfinspect.open_artifact(str(index))
            for variable in artifact.variables:
                artifact.read(variable.name)
            self.whole += bool(artifact.variables)
        except TfinspectError as error:
            # One that was deleted as too old is gone, index first.
            if index.exists():
                self.halves.append(f"{index}: {error}")
        except Exception as error:
            self.halves.append(f"{index}: {error!r}, which no user should see")


@contextlib.contextmanager
def watching(runs):
    """Yields a `Watch` over the checkpoints of all run directories under `runs`."""
    watch = Watch(runs)
    watch._thread.start()
    try:
        yield watch
    finally:
        watch._stop.set()
        watch._thread.join()
