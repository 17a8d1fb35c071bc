"""`visualize-weights` against reading and drawing the same layer with TensorFlow and matplotlib.

Whole processes, one after the other in turn; the fastest of the rounds counts. The checkpoint has
the names and shapes of the published Inception-ResNet-v2 (237 MB), as V2 and as V1.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from list_vars import best, written

TARGET_SECONDS = 1.6
LAYER = "InceptionResnetV2/Conv2d_1a_3x3/weights"
# What people do by hand: one subplot for each of the 32 filters.
BY_HAND = f"""
import sys, tensorflow as tf
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt
kernel = tf.train.load_variable(sys.argv[1], {LAYER!r})
kernel = (kernel - kernel.min()) / (kernel.max() - kernel.min())
figure, axes = plt.subplots(6, 6)
for place in range(kernel.shape[3]):
    axes.flat[place].imshow(kernel[..., place])
figure.savefig(sys.argv[2])
"""


def measure(rounds: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-filters-") as place:
        directory = written("inception", f"{place}/inception")
        picture = f"{place}/filters.png"
        ours = [str(Path(sys.executable).with_name("tfinspect")), "visualize-weights"]
        to_file = ["--output", picture]
        first, largest = f"{directory}/v2.ckpt", ["--match", "Conv2d_7b_1x1/weights"]
        measured = best(
            {
                "tensorflow_and_matplotlib": [sys.executable, "-c", BY_HAND, first, picture],
                "first_layer_v2": [*ours, first, *to_file],
                "first_layer_v1": [*ours, f"{directory}/v1.ckpt", *to_file],
                "first_layer_v2_svg": [*ours, first, "--output", f"{place}/filters.svg"],
                "one_by_one_2080_to_1536": [*ours, first, *largest, *to_file],
            },
            rounds,
        )
    by_hand = measured["tensorflow_and_matplotlib"]["seconds"]
    return {
        "claim": "visualize-weights draws the first layer of a 237 MB checkpoint within 1.6 s",
        "target": {"seconds": TARGET_SECONDS},
        "rounds": rounds,
        "measured": measured,
        "ratio": {
            name: round(measured[name]["seconds"] / by_hand, 4)
            for name in ("first_layer_v2", "first_layer_v1")
        },
        "machine": {"cores": os.cpu_count()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
