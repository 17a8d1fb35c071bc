"""`list-vars --stats` against reading the same bytes with `np.fromfile` and taking `np.min`.

Whole processes on a file in the disk cache, in turn; the fastest of the rounds counts. Both start
Python and NumPy; the baseline does not verify checksums and computes one number.
"""

import argparse
import json
import os
import sys
import tempfile

from list_vars import bandwidth, best, ours, written

CLAIM = "list-vars --stats reads at half the bandwidth of np.fromfile and np.min"
READ = "import sys, numpy as np; np.fromfile(sys.argv[1], np.float32).min()"


def measure(rounds: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-stats-") as place:
        directory = written("inception", f"{place}/inception")
        data = f"{directory}/v2.ckpt.data-00000-of-00001"
        # One variable is an int64: the file's length is still a multiple of four bytes.
        megabytes = os.path.getsize(data) / 1e6
        measured = best(
            {
                "fromfile_and_min": [sys.executable, "-c", READ, data],
                "stats_v2": [*ours(f"{directory}/v2.ckpt"), "--stats"],
                "stats_v1": [*ours(f"{directory}/v1.ckpt"), "--stats"],
            },
            rounds,
        )
    return bandwidth(CLAIM, megabytes, rounds, measured)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
