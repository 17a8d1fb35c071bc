"""Restoring a 237 MB checkpoint of Inception-ResNet-v2 against reading its file and building.

Both sides build the network in the same way, in turn in one process, with the file in the disk
cache; the fastest of the rounds counts. The baseline reads the file's bytes and does nothing with
them; ours finds, checks and assigns every variable.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLAIM = "building and restoring takes at most 1.3 of building and reading the file"
TARGET = 1.3
NETWORK, CLASSES = "inception_resnet_v2", 1001
WRITER = Path(__file__).with_name("written_checkpoints.py")


def built():
    from tfinspect.nets.registry import get_spec
    from tfinspect.nets.slim_model import SlimModel

    network = SlimModel(get_spec(NETWORK), CLASSES, seed=None)
    network.build_variables()
    return network


def read(prefix: str) -> None:
    for name in (f"{prefix}.data-00000-of-00001", f"{prefix}.index"):
        Path(name).read_bytes()


def restored(prefix: str) -> None:
    from tfinspect.transfer.restore import restore
    from tfinspect.transfer.weights_source import open_weights

    report = restore(built(), open_weights(prefix, NETWORK))
    assert len(report.having("loaded")) == 908


def seconds(function) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def measure(rounds: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-restore-") as place:
        writing = [sys.executable, str(WRITER), "inception", place]
        subprocess.run(writing, check=True, stderr=subprocess.DEVNULL)
        prefix = f"{place}/v2.ckpt"
        built()
        sides = {
            "build": built,
            "read": lambda: read(prefix),
            "build and restore": lambda: restored(prefix),
        }
        taken = [{name: seconds(side) for name, side in sides.items()} for _ in range(rounds)]
        megabytes = os.path.getsize(f"{prefix}.data-00000-of-00001") / 1e6
    fastest = {name: min(one[name] for one in taken) for name in sides}
    ratio = fastest["build and restore"] / (fastest["build"] + fastest["read"])
    return {
        "claim": CLAIM,
        "target": TARGET,
        "megabytes": round(megabytes),
        "seconds": {name: round(value, 3) for name, value in fastest.items()},
        "ratio": round(ratio, 3),
        "met": ratio <= TARGET,
        "rounds": rounds,
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
