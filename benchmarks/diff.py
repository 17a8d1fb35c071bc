"""`diff` of two 237 MB files against reading both with `np.fromfile` and taking `np.min`.

Whole processes on files in the disk cache, in turn; the fastest of the rounds counts. Both start
Python and NumPy; the baseline does not verify checksums and computes one number a file.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from list_vars import bandwidth, best, written

CLAIM = "diff reads at half the bandwidth of np.fromfile and np.min"
READ = "import sys, numpy as np; [np.fromfile(path, np.float32).min() for path in sys.argv[1:]]"
# `diff` ends with 1 where values differ.
EQUAL, DIFFERS = 0, 1
PAIRS = {
    "v1_v2": ("v1.ckpt", "v2.ckpt"),
    "v2_changed": ("v2.ckpt", "changed.ckpt"),
    "v2_h5": ("v2.ckpt", "same.h5"),
    "v2_keras": ("v2.ckpt", "same.keras"),
}


def ours(directory: str, names: tuple[str, str]) -> list[str]:
    command = str(Path(sys.executable).with_name("tfinspect"))
    return [command, "diff", *(f"{directory}/{name}" for name in names)]


def measure(rounds: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-diff-") as place:
        directory = written("pair", f"{place}/pair")
        data = [f"{directory}/{name}.ckpt.data-00000-of-00001" for name in ("v2", "changed")]
        megabytes = sum(os.path.getsize(path) for path in data) / 1e6
        commands = {"fromfile_and_min": [sys.executable, "-c", READ, *data]}
        commands |= {name: ours(directory, pair) for name, pair in PAIRS.items()}
        measured = best(commands, rounds, (EQUAL, DIFFERS))
    return bandwidth(CLAIM, megabytes, rounds, measured)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
