"""A training that notes which examples each step had: their number is the first pixel.

    python -c "$PROGRAM" train --data … --output …

Appends one line of JSON a finished step to `$NOTES-worker-N`: the step and its examples' numbers,
without fillers. Started again, it appends to the same file. The process that `$HOLD` names stays in
its second step.
"""

import itertools
import json
from pathlib import Path

PROGRAM = r"""
import json, os, sys, time
import tensorflow as tf
from tfinspect.cluster import tf_config
from tfinspect.data import pipeline
from tfinspect.training import callbacks, own_step
from tfinspect_cli.main import main

seen = []
pipeline._preprocess = lambda batches, images: tf.cast(images, tf.float32) / 255
step, update = own_step.OwnStep.train_step, callbacks.EpochMeans.update

def note(pixels, weights):
    seen.append([round(255 * float(p)) for p, w in zip(pixels, weights) if w > 0])

def noted_step(self, data):
    images, _, weights = data
    tf.numpy_function(note, [images[:, 0, 0, 0], weights], [])
    return step(self, data)

def noted_update(self, logs):
    name = tf_config.from_environment().name.replace(" ", "-")
    line = {"step": self.progress.step, "examples": seen[-1]}
    with open(f"{os.environ['NOTES']}-{name}", "a") as stream:
        stream.write(json.dumps(line) + "\n")
    while os.environ.get("HOLD") == name and self.progress.step == 2:
        time.sleep(0.1)
    update(self, logs)

own_step.OwnStep.train_step, callbacks.EpochMeans.update = noted_step, noted_update
sys.argv = ["tfinspect", *sys.argv[1:]]
main()
"""


def noted(path):
    """Returns the lines of one process: `(step, examples)`, in the order of computing."""
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return [(line["step"], line["examples"]) for line in lines]


def repeated(lines):
    """Returns, for each time that a process went back, the step it began after and how far back."""
    steps = [0, *[step for step, _ in lines]]
    pairs = itertools.pairwise(steps)
    return [(later - 1, earlier - later + 1) for earlier, later in pairs if later != earlier + 1]
