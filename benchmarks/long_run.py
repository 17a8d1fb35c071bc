"""Whether a long run grows: memory, files and time of a step over 100,000 steps.

`python benchmarks/long_run.py [--steps 100000]` trains a tiny network on the digits.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

SAMPLE = 500
# Graphs are traced and buffers filled in the first steps.
WARM = 0.1


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def times():
    # What the processors did for this process does not depend on what else they did.
    return [time.perf_counter(), time.process_time()]


def measure(steps, output):
    from tfinspect.training import run
    from tfinspect.training.config import TrainConfig

    samples, files, began = [], [], times()

    def on_step(step, _):
        if step % SAMPLE == 0:
            now = times()
            spent = [1000 * (end - start) / SAMPLE for start, end in zip(began, now, strict=True)]
            samples.append((step, resident_bytes(), *spent))
            began[:] = now
            if step % (10 * SAMPLE) == 0:
                print(*samples[-1], file=sys.stderr, flush=True)

    def on_epoch(record, _):
        found = [path for path in Path(output).rglob("*") if path.is_file()]
        files.append((record.step, len(found), sum(path.stat().st_size for path in found)))
        # Validation and backup are no part of a step.
        began[:] = times()

    config = TrainConfig(
        depth=8, width=0.0625, batch_size=1, steps=steps, learning_rate=0.001, augment="none"
    )
    began[:] = times()
    run.train(config, output, observer=run.Observer(on_step=on_step, on_epoch=on_epoch))
    return samples, files


def summary(steps, samples, files):
    part = max(1, round(len(samples) * WARM))
    early, late = samples[part : 2 * part], samples[-part:]
    wall, cpu = (
        [round(statistics.median(one[kind] for one in group), 3) for group in (early, late)]
        for kind in (2, 3)
    )
    first = next(one for one in files if one[0] >= steps * WARM)
    return {
        "claim": "a long run grows neither in memory nor in files nor in the time of a step",
        "steps": steps,
        "resident_mb_after_a_tenth": round(early[0][1] / 1e6, 1),
        "resident_mb_at_the_end": round(late[-1][1] / 1e6, 1),
        "ms_per_step_early_late": wall,
        "cpu_ms_per_step_early_late": cpu,
        "files_early_late": [first[1], files[-1][1]],
        "run_kb_early_late": [round(first[2] / 1e3), round(files[-1][2] / 1e3)],
        "epochs": len(files),
        "machine": {"cores": os.cpu_count()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as place:
        samples, files = measure(steps, os.path.join(place, "run"))
    print(json.dumps(summary(steps, samples, files)))


if __name__ == "__main__":
    main()
