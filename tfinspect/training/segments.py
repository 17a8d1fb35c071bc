"""A run as a list of calls of `fit`: whole epochs together, parts of epochs alone.

`fit` wants equally long epochs, while a run may begin inside one (after an interruption) and end
inside one (when its length is given in steps).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """Consecutive epochs, or one part of an epoch, that take the same number of steps each."""

    start_step: int
    first_epoch: int
    num_epochs: int
    steps_per_epoch: int


def plan_segments(start_step: int, total_steps: int, steps_per_epoch: int) -> list[Segment]:
    """Cuts the steps from `start_step` to `total_steps` at epoch borders.

    >>> plan_segments(5, 32, 10)[1]
    Segment(start_step=10, first_epoch=1, num_epochs=2, steps_per_epoch=10)
    """
    segments = []
    step = start_step
    while step < total_steps:
        epoch, done = divmod(step, steps_per_epoch)
        whole = (total_steps - step) // steps_per_epoch if not done else 0
        if whole:
            segments.append(Segment(step, epoch, whole, steps_per_epoch))
            step += whole * steps_per_epoch
        else:
            length = min(steps_per_epoch - done, total_steps - step)
            segments.append(Segment(step, epoch, 1, length))
            step += length
    return segments
