"""`list-vars` against importing TensorFlow and against `tf.train.list_variables`.

Whole processes, one after the other in turn; the fastest of the rounds counts. The checkpoints
have the names and shapes of the published Inception-ResNet-v2, and 100,000 small variables.
This process stays small: a child's peak memory counts from its parent's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_RATIO, TARGET_MEGABYTES, TARGET_MANY_SECONDS = 0.06, 45, 3.0
TARGET_BANDWIDTH, TARGET_BANDWIDTH_MEGABYTES = 0.5, 200
HERE = Path(__file__).parent
LIST_VARIABLES = "import sys, tensorflow as tf; tf.train.list_variables(sys.argv[1])"


def ours(path: str) -> list[str]:
    return [str(Path(sys.executable).with_name("tfinspect")), "list-vars", path]


def run(command: list[str], fine: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Returns the seconds and the peak megabytes of a process."""
    # As where it is installed: Python compiles a module once.
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in fine:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return seconds, usage.ru_maxrss / 1024


def best(
    commands: dict[str, list[str]], rounds: int, fine: tuple[int, ...] = (0,)
) -> dict[str, dict[str, float]]:
    """Measures commands in turn; each must end with one of the exit statuses that are fine."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seen[name].append(run(command, fine))
    return {
        name: {
            "seconds": round(min(seconds for seconds, _ in runs), 4),
            "megabytes": round(max(megabytes for _, megabytes in runs), 1),
        }
        for name, runs in seen.items()
    }


def bandwidth(claim: str, megabytes: float, rounds: int, measured: dict) -> dict:
    """Returns what is told of reading at a bandwidth: over that of the first that was measured."""
    for side in measured.values():
        side["megabytes_per_second"] = round(megabytes / side["seconds"])
    baseline, *others = measured
    seconds = measured[baseline]["seconds"]
    return {
        "claim": claim,
        "target": {"bandwidth": TARGET_BANDWIDTH, "megabytes": TARGET_BANDWIDTH_MEGABYTES},
        "read_megabytes": round(megabytes),
        "rounds": rounds,
        "measured": measured,
        "ratio": {name: round(seconds / measured[name]["seconds"], 3) for name in others},
        "machine": {"cores": os.cpu_count()},
    }


def written(kind: str, directory: str, *arguments: str) -> str:
    os.mkdir(directory)
    script = str(HERE / "written_checkpoints.py")
    command = [sys.executable, script, kind, directory, *arguments]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return directory


def measure(rounds: int, count: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-list-vars-") as place:
        inception = written("inception", f"{place}/inception")
        many = written("many", f"{place}/many", str(count))
        tenth = written("many", f"{place}/tenth", str(count // 10))
        measured = best(
            {
                "import_tensorflow": [sys.executable, "-c", "import tensorflow"],
                "tf_train_list_variables": [
                    sys.executable, "-c", LIST_VARIABLES, f"{inception}/v2.ckpt",
                ],
                "list_vars_v2": ours(f"{inception}/v2.ckpt"),
                "list_vars_v1": ours(f"{inception}/v1.ckpt"),
                "many_v2": ours(f"{many}/v2.ckpt"),
                "many_v1": ours(f"{many}/v1.ckpt"),
                "tenth_v2": ours(f"{tenth}/v2.ckpt"),
            },
            rounds,
        )  # fmt: skip
    imported = measured["import_tensorflow"]["seconds"]
    ratios = {
        name: round(measured[name]["seconds"] / imported, 4)
        for name in ("list_vars_v2", "list_vars_v1")
    }
    return {
        "claim": "list-vars of Inception-ResNet-v2 costs a twentieth of importing TensorFlow",
        "target": {
            "ratio": TARGET_RATIO,
            "megabytes": TARGET_MEGABYTES,
            "many_seconds": TARGET_MANY_SECONDS,
        },
        "variables_of_many": count,
        "rounds": rounds,
        "measured": measured,
        "ratio": ratios,
        "machine": {"cores": os.cpu_count()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=100_000, help="variables of the large one")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.rounds, arguments.count), indent=2))
