"""Per-example gradients of ResNet-20 at batch 64, over one ordinary batch gradient.

    PYTHONPATH=build/torch python benchmarks/per_example_gradients.py [--rounds 15]

Every side is a process that is warmed up; then they take turns, one call each per round, so that a
busy machine slows all of them. Ratios are taken within each round, each side over the batch
gradient of its own framework and over TensorFlow's. Opacus wants the affine of a normalization in
a layer that it knows, so that it has GroupNorm in place of the frozen batch norm. Peak memory is
that of the first calls in processes of their own. Prints one JSON object; sides whose packages are
missing are left out, and said to be.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

BATCH, CLASSES, DEPTH = 64, 10, 20
TARGETS = {"full": 2.0, "norms": 1.6}
MEMORY_TARGET = 1.5
MEMORY_BATCH = 128


def arrays(count):
    random = np.random.RandomState(0)
    images = random.standard_normal((count, 32, 32, 3)).astype(np.float32)
    return images, random.randint(0, CLASSES, count)


def model():
    import tfinspect

    return tfinspect.load_model(f"cifar_resnet{DEPTH}_v1", num_classes=CLASSES)


def trainable(made):
    return [variable for variable in made.variables.values() if variable.trainable]


def losses(made, images, labels):
    import tensorflow as tf

    logits = made.build(images).logits
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def tensorflow(function):
    """A side from `(model, images, labels) -> tensors`, traced once."""

    def side(count):
        import tensorflow as tf

        made = model()
        images, labels = map(tf.constant, arrays(count))
        traced = tf.function(lambda x, y: function(made, x, y), autograph=False)
        traced = traced.get_concrete_function(images, labels)
        return lambda: traced(images, labels)

    return side


def batch_gradient(made, images, labels):
    import tensorflow as tf

    return tf.gradients(tf.reduce_sum(losses(made, images, labels)), trainable(made))


def mapped(name):
    def gradients(made, images, labels):
        import tensorflow as tf

        def one(example):
            image, label = example
            value = losses(made, image[None], label[None])[0]
            return tuple(tf.gradients(value, trainable(made)))

        if name == "vectorized":
            return tf.vectorized_map(one, (images, labels))
        types = tuple(variable.dtype for variable in trainable(made))
        return tf.map_fn(one, (images, labels), fn_output_signature=types)

    return gradients


def ours(kind):
    def side(count):
        from tfinspect import GradientProbe

        probe = GradientProbe(model(), memory=10**12)
        images, labels = arrays(count)
        return lambda: list(getattr(probe, kind)(images, labels))

    return side


def torch_network(count):
    from torch_resnet import ResNet, torch

    torch.set_num_threads(os.cpu_count() or 1)
    network = ResNet(DEPTH, CLASSES).eval()
    images, labels = (torch.from_numpy(array) for array in arrays(count))
    return torch, network, images.permute(0, 3, 1, 2).contiguous(), labels


def torch_batch(count):
    torch, network, images, labels = torch_network(count)
    parameters = list(network.parameters())

    def run():
        loss = torch.nn.functional.cross_entropy(network(images), labels, reduction="sum")
        return torch.autograd.grad(loss, parameters)

    return run


def torch_vmap(count):
    torch, network, images, labels = torch_network(count)
    parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())

    def one(parameters, image, label):
        logits = torch.func.functional_call(network, (parameters, buffers), (image[None],))
        return torch.nn.functional.cross_entropy(logits, label[None])

    compute = torch.func.vmap(torch.func.grad(one), in_dims=(None, 0, 0))
    return lambda: compute(parameters, images, labels)


def opacus(count):
    torch, network, images, labels = torch_network(count)
    from opacus.grad_sample import GradSampleModule
    from opacus.validators import ModuleValidator

    # Its hooks forbid what is done in place.
    torch.nn.functional.relu = lambda values, **_: torch.relu(values)
    module = GradSampleModule(ModuleValidator.fix(network).train(), loss_reduction="sum")

    def run():
        module.zero_grad()
        torch.nn.functional.cross_entropy(module(images), labels, reduction="sum").backward()

    return run


SIDES = {
    "batch": tensorflow(batch_gradient),
    "full": ours("gradients"),
    "norms": ours("norms"),
    "loop": tensorflow(mapped("loop")),
    "vectorized_map": tensorflow(mapped("vectorized")),
    "torch batch": torch_batch,
    "torch vmap(grad)": torch_vmap,
    "Opacus": opacus,
}


def serve(side, count):
    """The worker: one call for each line of standard input, answered by its seconds."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = SIDES[side](count)
    before = peak_memory()
    run()
    print(json.dumps(peak_memory() - before), file=answers, flush=True)
    run()
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, file=answers, flush=True)


def peak_memory():
    """Returns the process's highest resident memory since the last call, in MB."""
    with open("/proc/self/status", encoding="ascii") as stream:
        peak = next(int(line.split()[1]) for line in stream if line.startswith("VmHWM"))
    with open("/proc/self/clear_refs", "w", encoding="ascii") as stream:
        stream.write("5")  # the high-water mark starts again from what is resident now
    return peak / 1000


class Worker:
    def __init__(self, side, count=BATCH):
        command = [sys.executable, __file__, "--side", side, "--count", str(count)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, stderr=subprocess.DEVNULL, **pipes)
        answer = self.process.stdout.readline()
        self.memory = float(answer) if answer else None

    def call(self):
        print("call", file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(rounds):
    """Returns side -> seconds of each round, of the sides that run here."""
    workers = {side: Worker(side) for side in SIDES}
    workers = {side: one for side, one in workers.items() if one.memory is not None}
    seconds = {side: [] for side in workers}
    for _ in range(rounds):
        for side, worker in workers.items():
            seconds[side].append(worker.call())
    for worker in workers.values():
        worker.close()
    return seconds


def memories():
    found = {}
    for side in ("batch", "norms", "full"):
        worker = Worker(side, MEMORY_BATCH)
        found[side] = worker.memory
        worker.close()
    return found


def over(seconds, side, base):
    return round(
        statistics.median(a / b for a, b in zip(seconds[side], seconds[base], strict=True)), 2
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--count", type=int, default=BATCH)
    arguments = parser.parse_args()
    if arguments.side:
        serve(arguments.side, arguments.count)
        return
    seconds, memory = timed(arguments.rounds), memories()
    ratios = {side: over(seconds, side, "batch") for side in seconds}
    others = [
        side for side in ("loop", "vectorized_map", "torch vmap(grad)", "Opacus") if side in ratios
    ]
    memory_ratio = round(memory["norms"] / memory["batch"], 2)
    result = {
        "claim": "per-example gradients cost at most 2.0 batch gradients, norms 1.6",
        "target": {**TARGETS, "memory of norms": MEMORY_TARGET, "faster than": others},
        "milliseconds": {s: round(1e3 * statistics.median(v), 1) for s, v in seconds.items()},
        "over the batch gradient": ratios,
        "over torch's batch gradient": {
            side: over(seconds, side, "torch batch")
            for side in ("torch vmap(grad)", "Opacus")
            if side in seconds
        },
        "peak memory MB at batch 128": {side: round(value) for side, value in memory.items()},
        "memory of norms over the batch gradient": memory_ratio,
        "missing": sorted(SIDES.keys() - seconds.keys()),
        "met": ratios["full"] <= TARGETS["full"]
        and ratios["norms"] <= TARGETS["norms"]
        and memory_ratio <= MEMORY_TARGET
        and all(ratios["full"] < ratios[side] for side in others),
        "cores": os.cpu_count(),
    }
    print(json.dumps(result, indent=2))


main()
