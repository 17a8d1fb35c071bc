"""A stage on stored features, in a cluster: the chief trains the head, and tells the others.

A step on features takes less than the messages that would share it. What takes long, the features,
all processes compute together.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import tf_keras

from tfinspect.errors import (
    RunError,
    TfinspectError,
    TrainingDivergedError,
    TrainingInterruptedError,
)
from tfinspect.training.chiefs_word import assign_chiefs, broadcast_text
from tfinspect.training.interruption import StopRequest, interrupted_after, stop_requests
from tfinspect.training.progress import Progress
from tfinspect.training.team import Team
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.boundary import CutNetwork
from tfinspect.transfer.cluster_features import features_of, help_with_features
from tfinspect.transfer.frozen import is_statistic
from tfinspect.transfer.train_head import SPLITS, HeadData, fit_head
from tfinspect.transfer.tuning import Tuning

# How often the chief asks whether another process was asked to stop.
_SECONDS_BETWEEN = 0.5
# How the chief's training can end for all.
_ENDS: dict[str, type[TfinspectError]] = {
    kind.__name__: kind for kind in (TrainingDivergedError, TrainingInterruptedError)
}


def train_on_features(
    tuning: Tuning,
    network: CutNetwork,
    first_epoch: int,
    restore: Callable[[Trainer], None],
    weights: Mapping[str, str],
) -> None:
    """Trains the model's present stage as `train_head.train_on_features` does, for all processes.

    Raises:
      TfinspectError: whatever ends the chief's training.
    """
    team = tuning.team
    assert team is not None
    if not team.cluster.is_chief:
        for split in SPLITS:
            help_with_features(tuning, network, split)
        _wait(tuning, team)
        return
    train, validation = (features_of(tuning, network, split, weights) for split in SPLITS)
    data = HeadData(network, train, validation)

    def callbacks(stop: StopRequest) -> list[Any]:
        return [_Asking(team, stop)]

    problem: TfinspectError | None = None
    try:
        fit_head(tuning, data, first_epoch, restore, callbacks)
    except TfinspectError as error:
        problem = error
    _tell(tuning, team, problem)


class _Asking(tf_keras.callbacks.Callback):
    """Asks the others, now and then, whether one of them is to stop; they wait for it."""

    def __init__(self, team: Team, stop: StopRequest) -> None:
        super().__init__()
        self.team, self.stop = team, stop
        self.asked = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Asks, if it is time; the next step ends the training then."""
        del batch, logs
        if time.monotonic() - self.asked < _SECONDS_BETWEEN:
            return
        self.asked = time.monotonic()
        wanted, _ = self.team.agree(False, False)
        self.stop.requested = self.stop.requested or wanted


def _wait(tuning: Tuning, team: Team) -> None:
    """Answers the chief until its training is over, and takes what it has come to."""
    tuning.observer.on_phase(f"{team.cluster.leader} trains the stage on the features")
    over = False
    with stop_requests() as stop:
        while not over:
            _, over = team.agree(stop.requested, False)
    _tell(tuning, team, None)


def _tell(tuning: Tuning, team: Team, problem: TfinspectError | None) -> None:
    """Gives all processes the chief's weights and progress, or its error."""
    if team.cluster.is_chief:
        wanted, _ = team.agree(False, True)
        if wanted and problem is None:
            problem = interrupted_after(tuning.progress.step, "finetune", tuning.run.shown)
    ended = {"kind": type(problem).__name__, "text": str(problem)} if problem else None
    told = {"progress": dataclasses.asdict(tuning.progress), "ended": ended}
    heard = json.loads(broadcast_text(team, json.dumps(told)))
    if problem is not None:
        raise problem
    if heard["ended"] is not None:
        raise _ENDS.get(heard["ended"]["kind"], RunError)(heard["ended"]["text"])
    vars(tuning.progress).update(vars(Progress.from_dict(heard["progress"])))
    assign_chiefs(team, tuning.model.trainable_weights)
    # Of normalizations above the boundary.
    assign_chiefs(team, _statistics(tuning))


def _statistics(tuning: Tuning) -> list[Any]:
    named = tuning.model.variables_by_name().items()
    return [one for name, one in named if is_statistic(name) and tuning.model.stage.trains(name)]
