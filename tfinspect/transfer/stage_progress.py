"""Which stage a run is in: told by its epochs alone, so that a resumed run is in the same one."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfinspect.training.progress import EpochRecord
from tfinspect.transfer.stages import Stage


@dataclass(frozen=True)
class Position:
    """A place in a run.

    Attributes:
      index: of the stage; the number of stages when all are over.
      first_epoch: of the run, 0 for the first, where the stage began.
    """

    index: int
    first_epoch: int


def position(
    stages: Sequence[Stage], records: Sequence[EpochRecord], patience: int | None
) -> Position:
    """Returns where a run is after the epochs of `records`."""
    first = 0
    for index, stage in enumerate(stages):
        done = records[first : first + stage.epochs]
        length = stopped_after([record.validation_loss for record in done], patience)
        if length is None and len(done) < stage.epochs:
            return Position(index, first)
        first += stage.epochs if length is None else length
    return Position(len(stages), first)


def first_epochs(
    stages: Sequence[Stage], records: Sequence[EpochRecord], patience: int | None
) -> list[tuple[int, str]]:
    """Returns the first epoch, 1 for the run's first, and the name of each stage that has begun."""
    found = []
    for index, stage in enumerate(stages):
        # A run of the stages before alone ends where this one begins.
        place = position(stages[:index], records, patience)
        if place.first_epoch < len(records):
            found.append((place.first_epoch + 1, stage.name))
    return found


def stopped_after(losses: Sequence[float], patience: int | None) -> int | None:
    """Returns the epochs after which early stopping ends a stage; None if it goes on.

    >>> stopped_after([3.0, 2.0, 2.5, 2.5, 1.0], patience=2)
    4

    Args:
      losses: validation loss of each epoch of the stage so far.
      patience: epochs without a lower one that are waited for; None never stops.
    """
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if patience is not None and epoch - best >= patience:
            return epoch + 1
    return None
