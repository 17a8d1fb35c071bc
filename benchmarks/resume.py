"""What resuming costs beyond start-up: time to the first step of a resumed and of a new run.

    python benchmarks/resume.py [--rounds 3]

Each is a process of its own, from its start to the end of its first step; the digits are converted
before. The resumed run is the default one, interrupted in its third epoch. Prints one JSON object.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TARGET_SECONDS = 5.0
INTERRUPTED_STEP = 50
CHILD = """
import os, sys, time
from tfinspect.training import run
from tfinspect.training.config import TrainConfig
what, output, began = sys.argv[1], sys.argv[2], float(sys.argv[3])
def on_step(step, total):
    print(step, time.time() - began, flush=True)
    os._exit(0)
observer = run.Observer(on_step=on_step)
if what == "train":
    run.train(TrainConfig(), output, observer=observer)
else:
    run.resume(output, observer=observer)
"""


def seconds_to_first_step(what, output):
    command = [sys.executable, "-c", CHILD, what, output, str(time.time())]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    step, seconds = done.stdout.split()
    assert int(step) == (1 if what == "train" else INTERRUPTED_STEP + 1)
    return float(seconds)


def interrupted_run(output):
    """Leaves a run that was stopped by SIGTERM inside an epoch."""
    from tfinspect.errors import TrainingInterruptedError
    from tfinspect.training import run
    from tfinspect.training.config import TrainConfig

    def on_step(step, _):
        if step == INTERRUPTED_STEP:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        run.train(TrainConfig(), output, observer=run.Observer(on_step=on_step))
    except TrainingInterruptedError:
        return
    raise AssertionError("the run was not interrupted")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found = {"train": [], "resume": []}
    with tempfile.TemporaryDirectory() as directory:
        stopped = os.path.join(directory, "stopped")
        interrupted_run(stopped)
        for number in range(rounds):
            for what, each in found.items():
                output = os.path.join(directory, f"{what}-{number}")
                if what == "resume":
                    shutil.copytree(stopped, output)
                each.append(round(seconds_to_first_step(what, output), 2))
    extra = statistics.median(
        resumed - new for new, resumed in zip(found["train"], found["resume"], strict=True)
    )
    print(
        json.dumps(
            {
                "claim": "resuming costs at most 5 s beyond start-up",
                "target_seconds": TARGET_SECONDS,
                "seconds_beyond_start_up": round(extra, 2),
                "met": extra <= TARGET_SECONDS,
                "seconds_to_the_first_step": found,
                "cores": os.cpu_count(),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
