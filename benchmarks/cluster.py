"""Two workers on loopback against one worker: images per second and core.

    python benchmarks/cluster.py [--rounds 3] [--sync-batch-norm]

ResNet-20 on the digits, batch 128 over all workers, one thread and one core each: every process is
bound to a core of its own, so that nobody borrows what is not counted. Four sides, alternating:

* `two`: two workers that train together,
* `same`: one worker with both of these cores and two threads,
* `one`: one worker with one core; the other core is idle, and leaves it the memory's bandwidth,
* `apart`: two workers of clusters of their own, at the same time, half of the batch each: what the
  machine gives two processes that have nothing to say to each other.

Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

from tfinspect.cluster.launch import free_ports

EPOCHS, BATCH = 4, 128
TARGET = 0.85
SIDES = ("two", "same", "one", "apart")
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def start(hosts, index, cores, arguments):
    task = {"type": "worker", "index": index}
    text = json.dumps({"cluster": {"worker": hosts}, "task": task})
    return subprocess.Popen(
        [
            *(
                "taskset",
                "-c",
                ",".join(map(str, cores)),
                sys.executable,
                "-m",
                "tfinspect_cli",
                "train",
            ),
            *("--epochs", str(EPOCHS), *arguments),
        ],
        env=os.environ | {"TF_CONFIG": text} | dict.fromkeys(THREADS, str(len(cores))),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def speed(output):
    """Returns the images per second of the epochs after the first, their median."""
    with open(os.path.join(output, "backup", "state.json"), encoding="utf-8") as stream:
        records = json.load(stream)["records"]
    return statistics.median(record["images_per_second"] for record in records[1:])


def finished(processes):
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()[-2000:]


def images_per_second(side, directory, more):
    """Trains, and returns the images per second of all workers together."""
    ports = [f"localhost:{port}" for port in free_ports(2)]
    outputs = [os.path.join(directory, f"{side}-{number}") for number in range(2)]
    if side == "two":
        given = ["--batch-size", str(BATCH), "--output", outputs[0], *more]
        finished([start(ports, index, [index], given) for index in range(2)])
        return speed(outputs[0])
    cores = {"same": [[0, 1]], "one": [[0]], "apart": [[0], [1]]}[side]
    batch = str(BATCH // len(cores))
    finished(
        [
            start([ports[n]], 0, own, ["--batch-size", batch, "--output", outputs[n], *more])
            for n, own in enumerate(cores)
        ]
    )
    return sum(speed(output) for output in outputs[: len(cores)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sync-batch-norm", action="store_true")
    arguments = parser.parse_args()
    more = ["--sync-batch-norm"] * arguments.sync_batch_norm
    rounds = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as place:
            rounds.append({side: images_per_second(side, place, more) for side in SIDES})
    same, apart = (
        statistics.median(each["two"] / each[side] for each in rounds) for side in ("same", "apart")
    )
    alone = statistics.median(each["two"] / (2 * each["one"]) for each in rounds)
    result = {
        "claim": "two workers lose at most 15 % of one worker's images/s with the same cores",
        "target": {"ratio": TARGET},
        "images_per_second": rounds,
        "ratio_to_one_worker_with_the_same_cores": round(same, 3),
        "ratio_per_core_to_one_core_alone": round(alone, 3),
        "ratio_to_two_apart": round(apart, 3),
        "met": same >= TARGET,
        "sync_batch_norm": arguments.sync_batch_norm,
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
