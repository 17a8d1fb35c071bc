"""Memory of converting, training on and checking many images: it must not follow their number.

`python benchmarks/million_images.py [--images 100000 1000000]` makes random 8x8 images, mapped from
a file, and runs each part in a process of its own. `convert-folder` converts as many files of one
image, a thousand to a class. Of memory, what belongs to the process alone counts (`RssAnon`): pages
of mapped files are the system's to take back.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SIDE = 8
LABELS = tuple(f"label{number}" for number in range(10))
PARTS = {"train": 0.9, "validation": 0.05, "test": 0.05}
# A step is small: what counts is the start of an epoch, when its order is drawn and buffers fill.
STEPS, BATCH = 50, 128


class Peak:
    """The largest memory of this process while it runs, looked at every 10 ms."""

    def __init__(self):
        self.bytes = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            status = Path("/proc/self/status").read_text()
            self.bytes = max(self.bytes, 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1]))
            time.sleep(0.01)


def write_images(place, count):
    """Writes random images `[N, C, H, W]` and their labels, a part at a time."""
    shape = (count, 3, SIDE, SIDE)
    images = np.lib.format.open_memmap(f"{place}/images.npy", "w+", np.uint8, shape)
    labels = np.lib.format.open_memmap(f"{place}/labels.npy", "w+", np.int64, (count,))
    random = np.random.RandomState(0)
    for start in range(0, count, 10_000):
        part = images[start : start + 10_000]
        part[:] = random.randint(0, 256, part.shape, np.uint8)
        labels[start : start + 10_000] = np.arange(len(part)) % len(LABELS)


def convert(place, count):
    from tfinspect.data.convert import Settings, convert_source
    from tfinspect.data.examples import Examples, ImageArrays, Source

    images, labels = (np.load(f"{place}/{n}.npy", mmap_mode="r") for n in ("images", "labels"))
    splits, start = {}, 0
    for split, part in PARTS.items():
        end = start + round(count * part)
        splits[split] = ImageArrays(images[start:end], labels[start:end])
        start = end
    source = Source("random", {"kind": "benchmark"}, lambda: Examples(LABELS, splits))
    convert_source(source, f"{place}/records", Settings(workers=2))


def write_folder(place, count):
    """Writes one PNG under so many names."""
    from PIL import Image

    encoded = io.BytesIO()
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (SIDE, SIDE, 3), np.uint8)).save(
        encoded, "PNG"
    )
    for start in range(0, count, 1000):
        folder = Path(place, "images", f"class{start // 1000:04d}")
        folder.mkdir(parents=True)
        for number in range(start, start + 1000):
            (folder / f"{number:07d}.png").write_bytes(encoded.getvalue())


def convert_folder(place, count):
    del count
    from tfinspect.data.convert import convert

    convert(f"{place}/images", f"{place}/folder_records", workers=2)


def train(place, count):
    from tfinspect.data import pipeline
    from tfinspect.data.manifest import read_manifest
    from tfinspect.nets.spec import Preprocessing

    del count
    batches = pipeline.Batches(
        directory=f"{place}/records",
        manifest=read_manifest(f"{place}/records"),
        split="train",
        batch_size=BATCH,
        image_shape=(SIDE, SIDE, 3),
        preprocessing=Preprocessing(),
        # As of a split that does not fit into memory.
        cache_bytes=0,
    )
    dataset = pipeline.training_dataset(batches, seed=0, epochs=1)
    steps = sum(1 for _ in dataset.take(STEPS))
    if steps != STEPS:
        raise SystemExit(f"{steps} steps where {STEPS} were expected")


def check(place, count):
    from tfinspect.data.check import check_records

    report = check_records(f"{place}/records")
    if report.examples != count:
        raise SystemExit(f"{report.examples} examples where {count} were written")


PHASES = {
    "convert": convert,
    "train": train,
    "check-records": check,
    "convert-folder": convert_folder,
}


def run_phase(name, place, count):
    peak, began = Peak(), time.perf_counter()
    PHASES[name](place, count)
    figures = {"seconds": round(time.perf_counter() - began, 1), "mb": round(peak.bytes / 1e6, 1)}
    print(json.dumps(figures))


def measure(count):
    found = {}
    with tempfile.TemporaryDirectory(prefix="tfinspect-million-") as place:
        write_images(place, count)
        write_folder(place, count)
        for name in PHASES:
            command = [sys.executable, __file__, "--phase", name, place, str(count)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            found[name] = json.loads(done.stdout)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs=2, default=[100_000, 1_000_000])
    parser.add_argument("--phase", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.phase:
        name, place, count = arguments.phase
        run_phase(name, place, int(count))
        return
    few, many = (measure(count) for count in arguments.images)
    grown = {name: round(many[name]["mb"] - few[name]["mb"], 1) for name in PHASES}
    result = {
        "claim": "memory does not follow the number of images",
        "images": arguments.images,
        "few": few,
        "many": many,
        "grown_mb": grown,
        "machine": {"cores": os.cpu_count()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
