"""Learning rates as pure functions of the step."""

import bisect
import math
from collections.abc import Callable

from tfinspect.training.config import TrainConfig

# The original tutorial's factors, before, between and after its three boundaries.
PIECEWISE_FACTORS = (1.0, 0.1, 0.01, 0.002)
# One-cycle (arXiv:1708.07120): 30 % of the steps rise from peak / 25, the rest fall to peak / 25e4.
ONE_CYCLE_RISE = 0.3
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1 / 25e4

Schedule = Callable[[int], float]


def make_schedule(config: TrainConfig, steps_per_epoch: int) -> Schedule:
    """Returns the function from a step (0 for the first) to its learning rate."""
    total = config.total_steps(steps_per_epoch)
    peak = config.peak_learning_rate
    if config.schedule == "piecewise":
        boundaries = [int(epoch * steps_per_epoch) for epoch in config.boundaries]
        return lambda step: peak * _piecewise(step, boundaries)
    if config.schedule == "cosine":
        # At most half of a short run is spent on warming up.
        warmup = min(round(config.warmup_epochs * steps_per_epoch), total // 2)
        return lambda step: peak * _cosine(step, warmup, total)
    if config.schedule == "one-cycle":
        return lambda step: peak * _one_cycle(step, total)
    return lambda _: peak


def _piecewise(step: int, boundaries: list[int]) -> float:
    # A boundary step still has the earlier rate, as with TensorFlow's piecewise_constant.
    return PIECEWISE_FACTORS[bisect.bisect_left(boundaries, step)]


def _fall(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def _cosine(step: int, warmup: int, total: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return _fall(1.0, 0.0, (step - warmup) / max(total - warmup, 1))


def _one_cycle(step: int, total: int) -> float:
    rise = max(int(ONE_CYCLE_RISE * total), 1)
    if step < rise:
        return _fall(ONE_CYCLE_START, 1.0, step / rise)
    return _fall(1.0, ONE_CYCLE_END, (step - rise) / max(total - 1 - rise, 1))
