"""What a process does that backs up a run while one change of a file after the other fails."""

import functools
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from fault_processes import Fault, weights

from tfinspect.errors import TfinspectError
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.trainer import Trainer

STEPS = 3


def value(step):
    return {"conv1/weights": np.full(1000, step, np.float32), "global_step": np.int64(step)}


class _Trainer(Trainer):
    """One whose network is a variable."""

    def values(self):
        return self.model.variables_by_name()


def back_ups(path):
    """Backs up as a training run does after each of its epochs, and keeps one checkpoint."""
    run = RunDirectory(str(path))
    for step in range(1, STEPS + 1):
        model = SimpleNamespace(variables_by_name=functools.partial(value, step))
        config = SimpleNamespace(keep_checkpoints=1)
        trainer = _Trainer(config, model, optimizer=None, strategy=None)
        trainer.save_best(run, step)
        trainer.back_up(run, Progress(step=step))


def fail_each(place, error):
    """Prints, as a line of JSON for each number, what a backup said when that change failed."""
    for number in range(1, 1000):
        run = Path(place, str(number))
        run.mkdir()
        fault = Fault(f"{run}/", number, error)
        fault.install()
        try:
            back_ups(run)
        except TfinspectError as refused:
            _tell(run, str(refused))
        else:
            break
    sys.stdout.flush()


def _tell(run, message):
    try:
        step = int(weights(run)["global_step"])
    except TfinspectError:
        step = 0
    state = run / "backup" / "state.json"
    named = json.loads(state.read_text())["checkpoint"] if state.exists() else ""
    told = {"message": message, "newest": step, "named": named, "run": str(run)}
    sys.stdout.write(f"{json.dumps(told)}\n")
