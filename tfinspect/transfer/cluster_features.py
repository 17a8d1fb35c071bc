"""Bottleneck features that several processes compute together: each its part of every batch.

The chief looks whether they are in its cache, and writes them there; the others only compute.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfinspect.data import pipeline
from tfinspect.data.load import reading
from tfinspect.data.share import Share
from tfinspect.errors import TrainingInterruptedError
from tfinspect.training.chiefs_word import gathered_rows
from tfinspect.training.interruption import StopRequest, stop_requests
from tfinspect.training.team import Team
from tfinspect.transfer.bottlenecks import Features, Told, Wanted, bottleneck_features, is_cached
from tfinspect.transfer.boundary import CutNetwork
from tfinspect.transfer.train_head import split_features, wanted_views
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning import Tuning

# Batches between two looks whether a process was asked to stop.
_BATCHES_BETWEEN = 8


def features_of(
    tuning: Tuning, network: CutNetwork, split: str, weights: Mapping[str, str]
) -> Features:
    """Returns the features of one split; the chief calls this while the others help.

    Args:
      tuning: the run.
      network: the model, cut for the stage.
      split: its name.
      weights: digests of the network's variables as they are now.

    Raises:
      DataError: the records cannot be read, or the cache cannot be written.
      TrainingInterruptedError: a process was asked to stop.
    """
    team = tuning.team
    assert team is not None

    def compute(model: TunedModel, network: CutNetwork, wanted: Wanted, told: Told) -> Features:
        # Looked for once: another run may put them there while the others begin to help.
        cached = is_cached(model, network, wanted)
        if not any(team.agree(not cached)):
            return bottleneck_features(model, network, wanted, told, cached=True)
        with stop_requests() as stop:
            together = _shared(team, network, stop)
            found = bottleneck_features(model, together, wanted, told, cached=False)
            _end_if_asked(team, stop)
        return found

    return split_features(tuning, network, split, weights, compute)


def help_with_features(tuning: Tuning, network: CutNetwork, split: str) -> None:
    """Computes this process's part of what `features_of` asks of all.

    Raises:
      DataError: the records cannot be read.
      TrainingInterruptedError: a process was asked to stop.
    """
    team = tuning.team
    assert team is not None
    for wanted in wanted_views(tuning, split):
        if any(team.agree(False)):
            with stop_requests() as stop, reading(tuning.data[0]):
                together = _shared(team, network, stop)
                for images, _ in pipeline.evaluation_dataset(wanted.batches, wanted.view):
                    together.features(images)
                _end_if_asked(team, stop)


def _shared(team: Team, network: CutNetwork, stop: StopRequest) -> CutNetwork:
    """Returns the cut network with features that all processes compute together."""
    share = Share(team.cluster.number, team.cluster.workers)
    done = 0

    def features(images: Any) -> list[Any]:
        nonlocal done
        if done % _BATCHES_BETWEEN == 0:
            _end_if_asked(team, stop)
        done += 1
        (own,) = share.cut(images)
        whole = gathered_rows(team, network.features(own))
        # What fills the parts up lies at the end.
        return [values[: len(images)] for values in whole]

    return dataclasses.replace(network, features=features)


def _end_if_asked(team: Team, stop: StopRequest) -> None:
    """Ends all processes if one was asked to stop; all must call this at one time."""
    if any(team.agree(stop.requested)):
        raise TrainingInterruptedError(
            "stopped while features were computed, before the stage's first step; give the "
            "same command again, or --resume where an earlier stage has left a backup."
        )
