"""What backups cost: their share of a default run's time, at the default cadence.

    python benchmarks/backups.py

Trains the default run (ResNet-20 on the digits, 20 epochs, a backup after each) and measures what
`Trainer.back_up` takes: checkpoint with slots, state, metrics, deletion of old ones, all flushed to
disk. The best weights, kept beside, are counted apart. Prints one JSON object.
"""

import argparse
import json
import os
import tempfile
import time

from tfinspect.training import run
from tfinspect.training.config import TrainConfig
from tfinspect.training.trainer import Trainer

TARGET = 0.02


def timed(name, seconds):
    usual = getattr(Trainer, name)

    def measured(self, *arguments):
        before = time.perf_counter()
        usual(self, *arguments)
        seconds[name].append(time.perf_counter() - before)

    setattr(Trainer, name, measured)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--place", help="directory to write into  [default: a temporary one]")
    arguments = parser.parse_args()
    seconds = {"back_up": [], "save_best": []}
    for name in seconds:
        timed(name, seconds)
    ends, starts = [], []
    observer = run.Observer(
        on_epoch=lambda *_: ends.append(time.perf_counter()),
        on_phase=lambda _: starts.append(time.perf_counter()),
    )
    with tempfile.TemporaryDirectory(dir=arguments.place) as directory:
        config = TrainConfig(epochs=arguments.epochs)
        result = run.train(config, os.path.join(directory, "run"), observer=observer)
    # Without the first epoch, in which the graph is traced.
    whole = ends[-1] - ends[0]
    shares = {name: sum(each[-len(ends) + 1 :]) / whole for name, each in seconds.items()}
    shares["save_best"] = sum(seconds["save_best"][1:]) / whole
    print(
        json.dumps(
            {
                "claim": "backups cost under 2 % of the time at the default cadence",
                "target": TARGET,
                "share_of_backups": round(shares["back_up"], 4),
                "share_of_best_weights": round(shares["save_best"], 4),
                "met": shares["back_up"] < TARGET,
                "milliseconds_each": round(1000 * sum(seconds["back_up"]) / len(ends), 2),
                "backups": len(seconds["back_up"]),
                "seconds_of_all_epochs_but_the_first": round(whole, 2),
                "training_seconds": round(result.training_seconds, 2),
                "cores": os.cpu_count(),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
