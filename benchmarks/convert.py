"""`convert` against a plain loop over tf.train.Example and tf.io.TFRecordWriter.

Both write the same 60,000 CIFAR-sized images to the same number of shards, alternately, and the
fastest of the rounds counts; `convert` also hashes the shards and writes the manifest.
"""

import argparse
import json
import os
import shutil
import tempfile
import time

import numpy as np
import tensorflow as tf

from tfinspect.data.convert import Settings, convert_source
from tfinspect.data.examples import Examples, ImageArrays, Source

LABELS = tuple(f"label{number}" for number in range(10))
PARTS = {"train": 0.75, "validation": 1 / 12, "test": 1 / 6}
TARGET = 1 / 3


def make_source(num_images: int) -> Source:
    random = np.random.RandomState(0)
    splits = {}
    for split, part in PARTS.items():
        count = round(num_images * part)
        images = random.randint(0, 256, (count, 3, 32, 32), np.uint8)
        splits[split] = ImageArrays(images, random.randint(0, len(LABELS), count))
    examples = Examples(LABELS, splits)
    return Source("random", {"kind": "benchmark"}, lambda: examples)


def plain_loop(examples: Examples, directory: str, shards: dict[str, int]) -> None:
    for split, part in examples.splits.items():
        bounds = np.linspace(0, len(part.labels), shards[split] + 1).astype(int)
        for index in range(shards[split]):
            with tf.io.TFRecordWriter(f"{directory}/{split}-{index}.tfrecord") as writer:
                for place in range(bounds[index], bounds[index + 1]):
                    writer.write(plain_example(part.images[place], part.labels[place]))


def plain_example(image: np.ndarray, label: int) -> bytes:
    image_bytes = tf.train.BytesList(value=[image.tobytes()])
    features = {
        "image": tf.train.Feature(bytes_list=image_bytes),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def measure(num_images: int, rounds: int) -> dict:
    source = make_source(num_images)
    examples = source.examples
    seconds = {"convert": [], "plain_loop": []}
    for _ in range(rounds):
        directory = tempfile.mkdtemp(prefix="tfinspect-convert-")
        try:
            start = time.perf_counter()
            manifest = convert_source(source, f"{directory}/ours", Settings())
            seconds["convert"].append(time.perf_counter() - start)
            shards = {split: len(info.shards) for split, info in manifest.splits.items()}
            os.mkdir(f"{directory}/plain")
            start = time.perf_counter()
            plain_loop(examples, f"{directory}/plain", shards)
            seconds["plain_loop"].append(time.perf_counter() - start)
        finally:
            shutil.rmtree(directory)
    best = {side: min(values) for side, values in seconds.items()}
    return {
        "claim": "convert takes at most a third of a plain loop over Example and TFRecordWriter",
        "target": round(TARGET, 3),
        "images": num_images,
        "rounds": rounds,
        "convert_s": round(best["convert"], 3),
        "plain_loop_s": round(best["plain_loop"], 3),
        "convert_images_per_s": round(num_images / best["convert"]),
        "plain_loop_images_per_s": round(num_images / best["plain_loop"]),
        "ratio": round(best["convert"] / best["plain_loop"], 3),
        "machine": {"cores": os.cpu_count()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.images, arguments.rounds), indent=2))


if __name__ == "__main__":
    main()
