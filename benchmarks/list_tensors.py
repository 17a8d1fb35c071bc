"""`list-tensors` on the MetaGraph of Inception-ResNet-v2, against TensorFlow's own import.

Whole processes, one after the other in turn; the fastest of the rounds counts. TensorFlow's side
imports the same file with `tf.compat.v1.train.import_meta_graph` and prints every tensor. The
training graph, with gradients, momentum and 1.1 million control inputs, is measured too.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from list_vars import best

TARGET_SECONDS = 1.0
HERE = Path(__file__).parent
THEIRS = """
import sys, tensorflow as tf
with tf.Graph().as_default() as graph:
    tf.compat.v1.train.import_meta_graph(sys.argv[1])
for op in graph.get_operations():
    for tensor in op.outputs:
        print(tensor.name, op.type, tensor.dtype.name, tensor.shape)
"""


def ours(path: str, *options: str) -> list[str]:
    return [str(Path(sys.executable).with_name("tfinspect")), "list-tensors", path, *options]


def exported(kind: str, path: str) -> int:
    """Writes a MetaGraph and returns the number of its ops."""
    command = [sys.executable, str(HERE / "inception_graph.py"), kind, path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


# Where a convolution's output has which size; the first scope that matches counts.
OUTPUT_SIZES = {
    "Conv2d_1a_3x3": 149,
    "Conv2d_2a_3x3": 147,
    "Conv2d_2b_3x3": 147,
    "Conv2d_3b_1x1": 73,
    "Conv2d_4a_3x3": 71,
    "Mixed_5b": 35,
    "Repeat/": 35,
    "Mixed_6a/Branch_0": 17,
    "Mixed_6a/Branch_1/Conv2d_1a_3x3": 17,
    "Mixed_6a": 35,
    "Repeat_1": 17,
    "Mixed_7a/Branch_0/Conv2d_1a_3x3": 8,
    "Mixed_7a/Branch_1/Conv2d_1a_3x3": 8,
    "Mixed_7a/Branch_2/Conv2d_1a_3x3": 8,
    "Mixed_7a": 17,
    "Repeat_2": 8,
    "Block8": 8,
    "Conv2d_7b_1x1": 8,
    "AuxLogits/Conv2d_1b_1x1": 5,
    "AuxLogits": 1,
    "Logits": 1,
}


def closed_form() -> int:
    """Adds up 2 * height * width * filter size over the published filters and map sizes."""
    total = 0
    for line in (HERE / "inception_resnet_v2_variables.txt").read_text().splitlines():
        name, _, shape = line.partition(" ")
        if name.endswith("/weights"):
            place = name.removeprefix("InceptionResnetV2/")
            size = next(size for scope, size in OUTPUT_SIZES.items() if place.startswith(scope))
            total += 2 * size * size * math.prod(map(int, shape.split(",")))
    return total


def counted(path: str) -> int:
    """Returns what `--flops` says of the convolutions and matrix products."""
    command = ours(path, "--flops", "--counts", "--format", "json")
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return sum(row["flops"] for row in rows if row["op_type"] in ("Conv2D", "MatMul"))


def measure(rounds: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-list-tensors-") as place:
        paths = {kind: f"{place}/{kind}.meta" for kind in ("inference", "training")}
        ops = {kind: exported(kind, path) for kind, path in paths.items()}
        sizes = {kind: os.path.getsize(path) for kind, path in paths.items()}
        flops = {"counted": counted(paths["inference"]), "closed_form": closed_form()}
        measured = best(
            {
                "list_tensors": ours(paths["inference"]),
                "list_tensors_json": ours(paths["inference"], "--format", "json"),
                "list_tensors_training": ours(paths["training"]),
                "tensorflow_import": [sys.executable, "-c", THEIRS, paths["inference"]],
            },
            rounds,
        )
    ratio = measured["list_tensors"]["seconds"] / measured["tensorflow_import"]["seconds"]
    return {
        "claim": "list-tensors of the Inception-ResNet-v2 MetaGraph takes less than a second",
        "target": {"seconds": TARGET_SECONDS},
        "ops": ops,
        "flops": flops,
        "bytes": sizes,
        "rounds": rounds,
        "measured": measured,
        "ratio": round(ratio, 4),
        "machine": {"cores": os.cpu_count()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
