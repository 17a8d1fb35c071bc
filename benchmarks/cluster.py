"""Two workers on loopback against one worker with the same cores: images per second.

    python benchmarks/cluster.py [--rounds 3]

ResNet-20, batch 128, one thread a process, on the digits. Both sides train with
`tfinspect cluster launch`; the one worker has one core, the two have one each, so that images per
second and core are compared. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

EPOCHS = 4


def images_per_second(workers, directory, number):
    """Trains, and returns the images per second of the epochs after the first."""
    output = os.path.join(directory, f"run-{workers}-{number}")
    tfinspect = [sys.executable, "-m", "tfinspect_cli"]
    launch = [*tfinspect, "cluster", "launch", "--workers", str(workers), "--threads", "1", "--"]
    train = ["tfinspect", "train", "--epochs", str(EPOCHS), "--batch-size", "128"]
    environment = os.environ.copy()
    if workers == 1:
        # As many cores as threads: the rest of the runtime must not borrow the other one.
        launch = ["taskset", "-c", "0", *launch]
    subprocess.run(
        [*launch, *train, "--output", output], check=True, capture_output=True, env=environment
    )
    with open(os.path.join(output, "backup", "state.json"), encoding="utf-8") as stream:
        records = json.load(stream)["records"]
    return statistics.median(record["images_per_second"] for record in records[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        rounds = [
            {str(workers): images_per_second(workers, directory, number) for workers in (1, 2)}
            for number in range(arguments.rounds)
        ]
    ratios = [one["2"] / (2 * one["1"]) for one in rounds]
    result = {
        "claim": "two workers lose at most 15 % of one worker's images per second and core",
        "target": {"ratio_per_core": 0.85},
        "images_per_second": rounds,
        "ratio_per_core": round(statistics.median(ratios), 3),
        "met": statistics.median(ratios) >= 0.85,
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=2))


main()
