"""`tfinspect predict` with Inception-ResNet-v2 and a checkpoint of 237 MB, as a whole process.

TensorFlow is imported, the network built, every variable loaded, one photograph labelled and the
process ended. Beside it, for comparison, the same by Keras 3's own network and weights.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLAIM = "network built and loaded, first prediction printed, as a whole process"
TARGET = 25.0
WRITER = Path(__file__).with_name("written_checkpoints.py")
KERAS_WRITES = """
import sys, keras
keras.applications.InceptionResNetV2(weights=None).save_weights(sys.argv[1])
"""
KERAS = """
import sys, keras, numpy as np
from PIL import Image
model = keras.applications.InceptionResNetV2(weights=None)
model.load_weights(sys.argv[1])
image = np.asarray(Image.open(sys.argv[2]).resize((299, 299)), np.float32) / 127.5 - 1
print(model.predict(image[None], verbose=0).argmax())
"""


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def measure(rounds: int) -> dict:
    import numpy as np
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="tfinspect-first-") as place:
        image, weights = f"{place}/photo.png", f"{place}/keras.weights.h5"
        noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
        Image.fromarray(noise).save(image)
        quiet = {"check": True, "stderr": subprocess.DEVNULL}
        subprocess.run([sys.executable, str(WRITER), "inception", place], **quiet)
        subprocess.run([sys.executable, "-c", KERAS_WRITES, weights], **quiet)
        program = [sys.executable, "-m", "tfinspect_cli", "predict", "inception_resnet_v2", image]
        sides = {
            "tfinspect predict, V1": [*program, "--checkpoint", f"{place}/v1.ckpt"],
            "tfinspect predict, V2": [*program, "--checkpoint", f"{place}/v2.ckpt"],
            "Keras 3": [sys.executable, "-c", KERAS, weights, image],
        }
        taken = [{name: seconds(side) for name, side in sides.items()} for _ in range(rounds)]
    fastest = {name: min(one[name] for one in taken) for name in sides}
    ours = max(value for name, value in fastest.items() if name.startswith("tfinspect"))
    return {
        "claim": CLAIM,
        "target_seconds": TARGET,
        "seconds": {name: round(value, 2) for name, value in fastest.items()},
        "met": ours < TARGET,
        "rounds": rounds,
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))
