"""Checkpoints to measure readers on, written by TensorFlow; run as a script, in its own process.

`python benchmarks/written_checkpoints.py KIND DIRECTORY [COUNT]`, each as V1 and as V2: KIND
`inception` has the variables of Inception-ResNet-v2 with random values, `many` COUNT small ones.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

NAMES_AND_SHAPES = Path(__file__).with_name("inception_resnet_v2_variables.txt")


def inception_variables() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    values = {}
    for line in NAMES_AND_SHAPES.read_text().splitlines():
        name, _, shape = line.partition(" ")
        sizes = [int(size) for size in shape.split(",") if size]
        values[name] = random.standard_normal(sizes, np.float32)
    return values | {"global_step": np.array(1, np.int64)}


def many_variables(count: int) -> dict[str, np.ndarray]:
    value = np.arange(4, dtype=np.float32).reshape(2, 2)
    return {f"net/stage{n // 1000}/unit{n // 10}/conv{n % 10}/weights": value for n in range(count)}


def write(directory: str, values: dict[str, np.ndarray]) -> None:
    names = sorted(values)
    data = [values[name] for name in names]
    slices = [""] * len(names)
    tf.raw_ops.SaveV2(
        prefix=f"{directory}/v2.ckpt", tensor_names=names, shape_and_slices=slices, tensors=data
    )
    tf.raw_ops.Save(filename=f"{directory}/v1.ckpt", tensor_names=names, data=data)


if __name__ == "__main__":
    kind, directory, *count = sys.argv[1:]
    values = inception_variables() if kind == "inception" else many_variables(int(count[0]))
    write(directory, values)
