"""What one process of a team knows, told to all of them; all must call at one time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.training.team import Team, of_this_process, summed


def broadcast_text(team: Team, text: str) -> str:
    """Returns the text that the chief has given; those of the others are not looked at."""
    given = np.frombuffer(text.encode(), np.uint8) if team.cluster.is_chief else np.zeros(0)
    [length] = broadcast_arrays(team, [np.asarray([len(given)], np.float32)])
    size = int(length[0])
    letters = given if team.cluster.is_chief else np.zeros(size)
    # A byte is exact in a float, and floats are what every device adds up.
    [told] = broadcast_arrays(team, [letters.astype(np.float32)])
    return told.astype(np.uint8).tobytes().decode()


def broadcast_arrays(team: Team, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the chief's float32 arrays; those of the others give the shapes.

    A negative zero becomes a zero, on the chief too.
    """
    chief = team.cluster.is_chief
    given = [tf.constant(array if chief else np.zeros_like(array)) for array in arrays]
    return [array.numpy() for array in summed(team.strategy, given)] if given else []


def assign_chiefs(team: Team, variables: Sequence[Any]) -> None:
    """Sets this process's own float32 variables to the chief's values."""
    values = broadcast_arrays(team, [np.asarray(one.numpy()) for one in variables])
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def gathered_bytes(team: Team, own: bytes) -> list[bytes]:
    """Returns what each process has given, in the order of their numbers; all of one length."""
    rows = np.zeros((team.cluster.workers, len(own)), np.float32)
    rows[team.cluster.number] = np.frombuffer(own, np.uint8)
    [gathered] = summed(team.strategy, [tf.constant(rows)])
    return [row.astype(np.uint8).tobytes() for row in gathered.numpy()]


def gathered_rows(team: Team, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns each tensor `[n, …]` of every process, one below the other, `[processes * n, …]`."""
    return list(_gathered(team.strategy, list(tensors)))


@tf.function
def _gathered(strategy: Any, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    def replica(values: list[tf.Tensor]) -> list[tf.Tensor]:
        placed = [tf.identity(value) for value in values]
        return tf.distribute.get_replica_context().all_gather(placed, axis=0)

    return of_this_process(strategy, strategy.run(replica, args=(tensors,)))
