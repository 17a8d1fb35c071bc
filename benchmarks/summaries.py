"""What `--summarize 'Relu|stage3' --summarize-gradients` costs in training, at every 100 steps.

One network, with the default depth and the batch size of the digits, trains in rounds of 100 steps
by turns with and without summaries. A round's time is that of its median step, 100 times, and what
the summaries took; the ratio is taken within each pair of rounds. Prints one JSON object.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
BATCH, CLASSES, EVERY = 64, 10, 100
TARGET = 1.03


def make_loop(directory):
    """A loop as `tfinspect train` has it, over noise in the place of the digits."""
    import numpy as np
    import tensorflow as tf

    from tfinspect.training.callbacks import Loop
    from tfinspect.training.config import TrainConfig
    from tfinspect.training.progress import Progress
    from tfinspect.training.run_directory import RunDirectory
    from tfinspect.training.trainer import make_trainer

    config = TrainConfig(
        batch_size=BATCH, learning_rate=0.01, summarize="Relu|stage3", summarize_gradients=True
    )
    random = np.random.default_rng(0)
    images = random.standard_normal((8 * BATCH, 32, 32, 3)).astype(np.float32)
    labels = random.integers(0, CLASSES, 8 * BATCH)
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH).with_options(options)
    loop = Loop(
        trainer=make_trainer(config, CLASSES, total_steps=1000),
        run=RunDirectory(directory),
        progress=Progress(),
        schedule=lambda _: 0.01,
        steps_per_epoch=EVERY,
        total_steps=1000,
        validation=data,
        validation_examples=len(images),
        on_epoch=lambda _: None,
        on_step=lambda _: None,
    )
    return loop, data.repeat().prefetch(2)


def timed(callback):
    """Makes a callback measure what its own calls take."""
    callback.seconds = 0.0
    for name in ("on_train_batch_begin", "on_train_batch_end"):
        setattr(callback, name, _measured(callback, getattr(callback, name)))
    return callback


def _measured(callback, method):
    def run(*arguments, **named):
        start = time.perf_counter()
        method(*arguments, **named)
        callback.seconds += time.perf_counter() - start

    return run


def counter(loop):
    """Counts steps as `tfinspect train` does, and knows when the first and the last one ended."""
    import tf_keras

    class Counter(tf_keras.callbacks.Callback):
        def on_train_begin(self, *_, **__):
            self.ends = []

        def on_train_batch_end(self, *_, **__):
            loop.progress.step += 1
            self.ends.append(time.perf_counter())

    return Counter()


def measure(rounds):
    """Returns side -> seconds of every round, the seconds of its summaries, and their tensors."""
    from tfinspect.training.summaries import summary_callbacks

    with tempfile.TemporaryDirectory() as directory:
        loop, data = make_loop(directory)
        (summaries,) = map(timed, summary_callbacks(loop))
        count = counter(loop)
        seconds, spent = {"with": [], "without": []}, []
        for number in range(-1, rounds):
            for side in ("with", "without") if number % 2 else ("without", "with"):
                callbacks = [summaries, count] if side == "with" else [count]
                loop.progress.step, summaries.seconds = 0, 0.0
                loop.trainer.model.fit(
                    data, steps_per_epoch=EVERY, epochs=1, verbose=0, callbacks=callbacks
                )
                steps = [end - start for start, end in itertools.pairwise(count.ends)]
                if number >= 0:  # the first pair warms up
                    seconds[side].append(EVERY * statistics.median(steps) + summaries.seconds)
                    spent += [summaries.seconds] * (side == "with")
    return seconds, spent, len(summaries.activations.tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    seconds, spent, tensors = measure(parser.parse_args().rounds)
    ratios = [a / b for a, b in zip(seconds["with"], seconds["without"], strict=True)]
    share = statistics.median(spent) / statistics.median(seconds["without"])
    result = {
        "claim": f"ResNet-20, batch {BATCH}: {EVERY} steps with summaries over {EVERY} without",
        "target": TARGET,
        "ratio": round(statistics.median(ratios), 4),
        "share_inside_summaries": round(share, 4),
        "seconds": {side: [round(one, 2) for one in seconds[side]] for side in seconds},
        "seconds_inside_summaries": [round(one, 3) for one in spent],
        "tensors": tensors,
        "machine": {"cores": os.cpu_count()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
