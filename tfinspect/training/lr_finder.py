"""The learning-rate range test: the rate rises step by step until the loss does too.

After Smith, arXiv:1506.01186, section 3.3: exponential instead of linear, on a fresh network that
is thrown away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.data import pipeline
from tfinspect.data.examples import Progress
from tfinspect.data.prepare import prepare
from tfinspect.errors import TrainingDivergedError
from tfinspect.training import run_directory
from tfinspect.training.config import TrainConfig

LOWEST_RATE = 1e-5
HIGHEST_RATE = 10.0
STEPS = 100
# The test is over when the smoothed loss exceeds this many times its minimum.
BLOW_UP = 4.0
# Share of the earlier value in the smoothed loss.
SMOOTHING = 0.9


@dataclass(frozen=True)
class RateTest:
    """The curve of a range test and what it suggests."""

    rates: tuple[float, ...]
    # Of each step, before its update, and smoothed.
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float
    # Path of the picture.
    picture: str


def find_learning_rate(
    config: TrainConfig, output: str, *, progress: Progress | None = None
) -> RateTest:
    """Runs the range test on the configured network and data, and draws its curve.

    Args:
      config: its learning rate and schedule play no part.
      output: directory that takes `lr-finder.png` and `lr-finder.csv`; created if missing.
      progress: told while data are downloaded or converted; None tells nobody.

    Raises:
      RunError: no run could be trained into `output`: it holds something already.
      TrainingDivergedError: the loss is not finite from the start.
    """
    from tfinspect.training import loop, trainer

    run_directory.refuse_occupied(output)
    data = prepare(config.data, progress=progress)
    config = config.resolved(data[1].training_examples())
    built = trainer.make_trainer(config, len(data[1].label_names), STEPS)
    batches = loop.batches_of(config, data, "train")
    epochs = -(-STEPS // pipeline.steps_per_epoch(batches))
    augment = loop.augmentation(config, data[1])
    dataset = pipeline.training_dataset(batches, seed=config.seed, epochs=epochs, **augment)
    return range_test(built.model, built.optimizer, dataset, output)


def range_test(model: Any, optimizer: Any, dataset: Any, output: str) -> RateTest:
    """Raises the rate step by step, and draws the curve of the loss.

    Args:
      model: compiled; it is of no more use afterwards.
      optimizer: what it was compiled with.
      dataset: training batches; the first 100 are used.
      output: directory that takes `lr-finder.png` and `lr-finder.csv`; created if missing.

    Raises:
      TrainingDivergedError: the loss is not finite from the start.
    """
    from tfinspect.plots import lr_curve

    rates, losses = _measure(model, optimizer, dataset)
    smoothed = smooth(losses)
    if len(losses) < 3:
        raise TrainingDivergedError(
            f"the loss is not finite after {len(losses)} steps at a learning rate of "
            f"{LOWEST_RATE:g}; look at the data with `tfinspect check-records`."
        )
    files.make_directory(output)
    result = RateTest(
        rates=tuple(rates),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        suggestion=suggest(rates, smoothed),
        picture=files.join(output, "lr-finder.png"),
    )
    lr_curve.write_lr_curve(
        result.rates, result.smoothed, result.suggestion, result.picture, losses=result.losses
    )
    with files.writing(files.join(output, "lr-finder.csv"), "w") as stream:
        stream.write("learning_rate,loss,smoothed_loss\n")
        for row in zip(rates, losses, smoothed, strict=True):
            stream.write(",".join(f"{value:.6g}" for value in row) + "\n")
    return result


def _measure(model: Any, optimizer: Any, dataset: Any) -> tuple[list[float], list[float]]:
    rates: list[float] = []
    losses: list[float] = []
    lowest = math.inf
    for step, (images, labels) in enumerate(dataset.take(STEPS)):
        rate = LOWEST_RATE * (HIGHEST_RATE / LOWEST_RATE) ** (step / (STEPS - 1))
        optimizer.learning_rate.assign(rate)
        logs = model.train_on_batch(images, labels, reset_metrics=True, return_dict=True)
        if not math.isfinite(logs["loss"]):
            break
        rates.append(rate)
        losses.append(float(logs["loss"]))
        now = smooth(losses)[-1]
        lowest = min(lowest, now)
        if now > BLOW_UP * lowest:
            break
    return rates, losses


def smooth(losses: Sequence[float]) -> list[float]:
    """Returns exponential averages, corrected for their start at zero.

    >>> smooth([2.0, 2.0])
    [2.0, 2.0]
    """
    average = 0.0
    smoothed = []
    for count, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed.append(round(average / (1 - SMOOTHING**count), 12))
    return smoothed


def suggest(rates: Sequence[float], smoothed: Sequence[float]) -> float:
    """Returns the rate at which the loss falls fastest per decade, before its minimum.

    The slope is that of a straight line through the steps around, since single ones are noisy.
    """
    x, y = np.log(np.asarray(rates)), np.asarray(smoothed)
    reach = max(len(x) // 12, 1)
    # At the edges there are too few steps for a slope, and an easy first batch is no minimum.
    first = min(reach, len(y) - 1)
    steps = range(first, first + int(np.argmin(y[first:])) + 1)
    windows = [slice(max(step - reach, 0), step + reach + 1) for step in steps]
    slopes = [np.polyfit(x[window], y[window], 1)[0] for window in windows]
    return float(rates[first + int(np.argmin(slopes))])
