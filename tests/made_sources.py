"""Small image folders and CIFAR archives, made for tests."""

import io
import pickle
import tarfile

import numpy as np
from PIL import Image


def write_image(path, size=(8, 6), seed=0):
    """Writes a random picture of (width, height); the format follows from the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_folder(root, counts, suffix="png", size=(8, 6)):
    """Writes `counts[class]` different pictures per class."""
    for number, (name, count) in enumerate(counts.items()):
        for index in range(count):
            write_image(root / name / f"{index:03d}.{suffix}", size, seed=1000 * number + index)
    return root


def cifar_part(count, seed, num_labels=10):
    """Random rows uint8 [count, 3072] and labels."""
    random = np.random.RandomState(seed)
    return random.randint(0, 256, (count, 3072), np.uint8), random.randint(0, num_labels, count)


def python_files(count=10, labels_key="labels"):
    """The files of a CIFAR-10 python archive, by name."""
    contents = {}
    for seed, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        rows, labels = cifar_part(count, seed)
        contents[name] = pickle.dumps({"data": rows, labels_key: labels.tolist()}, protocol=2)
    names = [f"name{label}" for label in range(10)]
    contents["batches.meta"] = pickle.dumps({"label_names": names}, protocol=2)
    return contents


def binary_rows(rows, *label_columns):
    columns = [np.asarray(column, np.uint8)[:, None] for column in label_columns]
    return np.concatenate([*columns, rows], axis=1).tobytes()


def write_tar(path, contents, folder="cifar", mode="w:gz"):
    """Writes an archive of named contents."""
    with tarfile.open(path, mode) as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}" if folder else name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return str(path)
