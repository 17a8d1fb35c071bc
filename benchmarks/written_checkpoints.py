"""Checkpoints to measure readers on, written by TensorFlow; run as a script, in its own process.

`python benchmarks/written_checkpoints.py KIND DIRECTORY [COUNT]`, each as V1 and as V2: KIND
`inception` has the variables of Inception-ResNet-v2 with random values, `many` COUNT small ones.
KIND `pair` has those of `inception`, and beside them `changed.ckpt`, in which every value is a
little larger, and the same values as `same.h5` and `same.keras`.
"""

import sys
import zipfile
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


def write_pair(directory: str, values: dict[str, np.ndarray]) -> None:
    """Writes the same values as HDF5 and as Keras archive, and other values as V2."""
    import h5py

    with h5py.File(f"{directory}/same.h5", "w") as file:
        for name, value in values.items():
            file[name] = value
    with zipfile.ZipFile(f"{directory}/same.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(f"{directory}/same.h5", "model.weights.h5")
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=f"{directory}/changed.ckpt",
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[(values[name] * 1.01).astype(values[name].dtype) for name in names],
    )


if __name__ == "__main__":
    kind, directory, *count = sys.argv[1:]
    values = many_variables(int(count[0])) if kind == "many" else inception_variables()
    write(directory, values)
    if kind == "pair":
        write_pair(directory, values)
