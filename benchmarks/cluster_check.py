"""How long `tfinspect cluster check` takes to say what is wrong, as whole processes.

    python benchmarks/cluster_check.py

Every broken `TF_CONFIG` of the tests, an unknown host, and two processes that differ in a setting.
Prints one JSON object.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "cluster"))
from test_tf_config import BROKEN

from tfinspect.cluster.launch import free_ports

LIMIT_SECONDS = 5.0
COMMAND = [sys.executable, "-m", "tfinspect_cli", "cluster", "check"]


def start(text, *arguments):
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | {"TF_CONFIG": text},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def seconds_of(*pairs):
    """Starts a check for each `TF_CONFIG` and its arguments; returns seconds and the sentences."""
    before = time.perf_counter()
    running = [start(text, *arguments) for text, arguments in pairs]
    said = {one.communicate()[1].strip().splitlines()[-1] for one in running}
    assert all(one.returncode == 2 for one in running), said
    return time.perf_counter() - before, said


def cluster(hosts, index):
    return json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}})


def differing(directory):
    hosts = [f"localhost:{port}" for port in free_ports(2)]
    pairs = []
    for index, depth in enumerate((20, 32)):
        path = Path(directory, f"{depth}.yaml")
        path.write_text(f"depth: {depth}\n", encoding="utf-8")
        pairs.append((cluster(hosts, index), ("--config", str(path))))
    return pairs


def main():
    found, sentences = {}, set()
    cases = {name: [(text, ("--alone",))] for name, (text, _) in BROKEN.items()}
    cases["unknown host"] = [(cluster(["localhost:1", "nobody.invalid:1"], 0), ("--alone",))]
    with tempfile.TemporaryDirectory() as directory:
        cases["differing setting"] = differing(directory)
        for name, pairs in cases.items():
            seconds, said = seconds_of(*pairs)
            found[name] = round(seconds, 3)
            sentences |= said
    slowest = max(found, key=found.__getitem__)
    result = {
        "claim": "each broken configuration has its own sentence in under 5 s",
        "configurations": len(found),
        "sentences": len(sentences),
        "slowest": {slowest: found[slowest]},
        "met": found[slowest] < LIMIT_SECONDS,
        "seconds": found,
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
