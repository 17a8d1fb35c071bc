"""How long `tfinspect --help` takes, as a whole process, beside an empty Python.

python benchmarks/help.py [--rounds 10]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SIDES = {
    "tfinspect_help": [sys.executable, "-m", "tfinspect_cli", "--help"],
    "empty_python": [sys.executable, "-c", "pass"],
}


def seconds(command):
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    measured = {name: [] for name in SIDES}
    for _ in range(rounds):
        for name, command in SIDES.items():
            measured[name].append(seconds(command))
    result = {
        "claim": "tfinspect --help answers in under 0.3 s",
        "target_seconds": 0.3,
        "rounds": rounds,
        "median_seconds": {
            name: round(statistics.median(values), 3) for name, values in measured.items()
        },
        "slowest_seconds": round(max(measured["tfinspect_help"]), 3),
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=2))


main()
