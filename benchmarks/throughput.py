"""Images per second of a whole ResNet-44 training step: ours, bare TensorFlow and PyTorch.

Every side is a process of its own that is warmed up first; then they take turns in short rounds,
so that a busy machine slows all of them. The ratios are taken within each round. Prints one JSON
object. PyTorch is needed by this benchmark only: see the message when it is missing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

DEPTH, BATCH, CLASSES = 44, 128, 10
LEARNING_RATE, WEIGHT_DECAY = 0.01, 2e-4
# claim: (side, other side, least ratio)
TARGETS = {
    "float32 over bare TensorFlow": ("ours float32", "bare TensorFlow", 0.95),
    "float32 over PyTorch": ("ours float32", "PyTorch", 1.0),
    "bfloat16 over float32": ("ours bfloat16", "ours float32", 1.4),
}


def arrays():
    import numpy as np

    rng = np.random.RandomState(0)
    images = rng.standard_normal((4 * BATCH, 32, 32, 3)).astype(np.float32)
    return images, rng.randint(0, CLASSES, 4 * BATCH)


def dataset():
    """Batches without end, from memory, with the options of our own pipeline."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices(arrays()).repeat().batch(BATCH).prefetch(2)
    return data.with_options(options)


def ours(compute_dtype):
    """What `tfinspect train` builds and fits; the seconds are those from step end to step end."""
    from tfinspect.training.config import TrainConfig
    from tfinspect.training.trainer import make_trainer

    config = TrainConfig(
        depth=DEPTH,
        precision=compute_dtype,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        label_smoothing=0.0,
    )
    model = make_trainer(config, CLASSES, total_steps=1000).model
    batches, clock = dataset(), step_clock()

    def run(steps):
        model.fit(batches, steps_per_epoch=steps + 1, epochs=1, verbose=0, callbacks=[clock])
        return clock.ends[-1] - clock.ends[0]

    return run


def step_clock():
    import tf_keras

    class StepClock(tf_keras.callbacks.Callback):
        def on_train_begin(self, *_):
            self.ends = []

        def on_train_batch_end(self, *_):
            self.ends.append(time.perf_counter())

    return StepClock()


def bare():
    from bare_resnet import BareResNet

    network = BareResNet(DEPTH, CLASSES, LEARNING_RATE, WEIGHT_DECAY)
    batches = iter(dataset())

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            float(network.step(*next(batches)))
        return time.perf_counter() - start

    return run


def pytorch():
    from torch_resnet import ResNet, optimizer, torch, train_step

    torch.set_num_threads(os.cpu_count() or 1)
    network = ResNet(DEPTH, CLASSES).to(memory_format=torch.channels_last).train()
    optimizer_ = optimizer(network, LEARNING_RATE, WEIGHT_DECAY)
    images, labels = (torch.from_numpy(array) for array in arrays())
    images = images.permute(0, 3, 1, 2)  # [N, C, H, W] over the same memory: channels_last

    def run(steps):
        start = time.perf_counter()
        for step in range(steps):
            batch = slice(step % 4 * BATCH, (step % 4 + 1) * BATCH)
            train_step(network, optimizer_, images[batch], labels[batch])
        return time.perf_counter() - start

    return run


SIDES = {
    "ours float32": lambda: ours("float32"),
    "ours bfloat16": lambda: ours("bfloat16"),
    "bare TensorFlow": bare,
    "PyTorch": pytorch,
}


def serve(side):
    """The worker: runs as many steps as each line of standard input says."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = SIDES[side]()
    run(3)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(run(int(line)), file=answers, flush=True)


class Worker:
    def __init__(self, side):
        self.side = side
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--side", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if side != "PyTorch" else None,
            text=True,
        )
        if self.process.stdout.readline() != "ready\n":
            message = self.process.stderr.read()[-2000:] if self.process.stderr else ""
            raise SystemExit(f"the side '{side}' did not start. {message}")

    def images_per_second(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return steps * BATCH / float(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def measure(sides, rounds, steps):
    """Returns side -> images per second of every round."""
    workers = [Worker(side) for side in sides]
    speeds = {side: [] for side in sides}
    try:
        for number in range(rounds):
            # Turns in alternating order, so that no side always follows the same one.
            for worker in workers if number % 2 == 0 else reversed(workers):
                speeds[worker.side].append(worker.images_per_second(steps))
    finally:
        for worker in workers:
            worker.stop()
    return speeds


def report(speeds):
    result = {
        "claim": f"ResNet-{DEPTH} v1 training step, batch {BATCH}, images per second",
        "images_per_second": {s: round(statistics.median(v), 1) for s, v in speeds.items()},
        "rounds": {s: [round(x, 1) for x in v] for s, v in speeds.items()},
        "ratios": {},
        "machine": {"cores": os.cpu_count()},
    }
    for claim, (side, other, target) in TARGETS.items():
        if side in speeds and other in speeds:
            pairs = zip(speeds[side], speeds[other], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            result["ratios"][claim] = {"ratio": round(ratio, 3), "target": target}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.side:
        serve(arguments.side)
    else:
        print(json.dumps(report(measure(arguments.sides, arguments.rounds, arguments.steps))))


if __name__ == "__main__":
    main()
