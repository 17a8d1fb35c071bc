"""Peak memory of Inception-ResNet-v2's per-example gradients at 299 x 299, batch 8.

    python benchmarks/gradient_memory.py [--side norms --memory 4GB]

Norms, clipped sums, and the full tensors streamed into `.npy` files, each in a process of its own,
without `memory=` (all 8 at once) and within 4 GB. Beside them one ordinary gradient of the batch.
Memory is the process's highest resident size, TensorFlow and weights included; of the streamed
files the pages that are mapped count, too. Prints one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BATCH, SIZE, CLASSES = 8, 299, 1001
TARGET_GB = 12.0
WITHIN = "4GB"


def arrays():
    random = np.random.RandomState(0)
    images = random.uniform(-1, 1, (BATCH, SIZE, SIZE, 3)).astype(np.float32)
    return images, random.randint(0, CLASSES, BATCH)


def batch_gradient(model):
    import tensorflow as tf

    images, labels = map(tf.constant, arrays())
    variables = [one for one in model.variables.values() if one.trainable]

    @tf.function(autograph=False)
    def run(images, labels):
        logits = model.build(images).logits
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.gradients(tf.reduce_sum(losses), variables)

    run(images, labels)


def probed(side, model, memory):
    import tfinspect

    probe = tfinspect.GradientProbe(model, memory=memory)
    images, labels = arrays()
    if side == "norms":
        tfinspect.per_example_gradient_norms(probe, images, labels)
    elif side == "clipped":
        tfinspect.clipped_sum(probe, images, labels, 1.0)
    else:
        with tempfile.TemporaryDirectory(prefix="tfinspect-gradients-", dir=".") as place:
            tfinspect.per_example_gradients(probe, images, labels, output=f"{place}/gradients")
    return probe.chunk_size(images, side == "full")


def serve(side, memory):
    import tfinspect

    model = tfinspect.load_model("inception_resnet_v2", num_classes=CLASSES)
    started = time.perf_counter()
    chunk = BATCH
    if side == "batch":
        batch_gradient(model)
    else:
        chunk = probed(side, model, memory)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {
        "peak GB": round(peak / 1e6, 2),
        "seconds with tracing": round(time.perf_counter() - started, 1),
        "examples at once": chunk,
    }


def measured(side, memory):
    command = [sys.executable, __file__, "--side", side]
    command += [] if memory is None else ["--memory", memory]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", choices=["batch", "norms", "clipped", "full"])
    parser.add_argument("--memory")
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(serve(arguments.side, arguments.memory)))
        return
    found = {"batch gradient": measured("batch", None)}
    for side in ("norms", "clipped", "full"):
        for memory in (None, WITHIN):
            name = side if memory is None else f"{side}, within {memory}"
            found[name] = measured(side, memory)
    result = {
        "claim": "per-example gradients of Inception-ResNet-v2 at 299 x 299, batch 8, fit in 12 GB",
        "target GB": TARGET_GB,
        "measured": found,
        "met": all(one["peak GB"] <= TARGET_GB for one in found.values()),
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=2))


main()
