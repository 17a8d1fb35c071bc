"""What the input pipeline delivers against what ResNet-20 training consumes, in images per second.

Both run alone, in turns, with all cores: the pipeline with crops, flips and preprocessing over
several epochs, their borders included, and whole training steps of the network on one batch that
lies in memory. The ratio is taken within each round. Prints one JSON object.
"""

import argparse
import dataclasses
import json
import os
import statistics
import tempfile
import time

import numpy as np
import tensorflow as tf
import tf_keras

from tfinspect.data.convert import Settings, convert_source
from tfinspect.data.examples import Examples, ImageArrays, Source
from tfinspect.data.pipeline import Batches, training_dataset
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

EXAMPLES, CLASSES, BATCH, EPOCHS = 20_000, 10, 128, 3
TARGET = 20.0


def write_data(directory):
    random = np.random.RandomState(0)
    splits = {}
    for split, count in {"train": EXAMPLES, "validation": CLASSES, "test": CLASSES}.items():
        images = random.randint(0, 256, (count, 3, 32, 32), np.uint8)
        splits[split] = ImageArrays(images, np.arange(count) % CLASSES)
    examples = Examples(tuple("abcdefghij"), splits)
    source = Source("random", {"kind": "benchmark"}, lambda: examples)
    return convert_source(source, directory, Settings())


def pipeline(batches):
    """Returns the pipeline's images per second, over whole epochs."""
    steps = iter(training_dataset(batches, seed=0, epochs=EPOCHS))
    next(steps)
    start = time.perf_counter()
    count = sum(len(labels) for _, labels in steps)
    return count / (time.perf_counter() - start)


def training(spec):
    """Returns a function from a number of steps to images per second of training."""
    model = SlimModel(spec, CLASSES, weight_decay=2e-4)
    model.build_variables()
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf_keras.optimizers.SGD(0.01, momentum=0.9), loss)
    random = np.random.RandomState(0)
    images = tf.constant(random.standard_normal((BATCH, *spec.image_shape)).astype(np.float32))
    labels = tf.constant(random.randint(0, CLASSES, BATCH))

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            model.train_on_batch(images, labels)
        return steps * BATCH / (time.perf_counter() - start)

    run(3)
    return run


def measure(rounds, steps):
    spec = get_spec("cifar_resnet20_v1")
    train = training(spec)
    speeds = {"pipeline": [], "pipeline, streamed": [], "ResNet-20 training": []}
    with tempfile.TemporaryDirectory(prefix="tfinspect-pipeline-") as directory:
        manifest = write_data(f"{directory}/data")
        cached = Batches(
            f"{directory}/data", manifest, "train", BATCH, spec.image_shape, spec.preprocessing
        )
        streamed = dataclasses.replace(cached, cache_bytes=0)
        for _ in range(rounds):
            speeds["pipeline"].append(pipeline(cached))
            speeds["pipeline, streamed"].append(pipeline(streamed))
            speeds["ResNet-20 training"].append(train(steps))
    return speeds


def ratio(speeds, side):
    pairs = zip(speeds[side], speeds["ResNet-20 training"], strict=True)
    return round(statistics.median(one / other for one, other in pairs), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    arguments = parser.parse_args()
    speeds = measure(arguments.rounds, arguments.steps)
    result = {
        "claim": f"the pipeline alone, over ResNet-20 v1 training, batch {BATCH}",
        "target": TARGET,
        "images_per_second": {side: round(statistics.median(v)) for side, v in speeds.items()},
        "ratio": ratio(speeds, "pipeline"),
        "ratio_streamed": ratio(speeds, "pipeline, streamed"),
        "rounds": {side: [round(value) for value in values] for side, values in speeds.items()},
        "machine": {"cores": os.cpu_count()},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
