"""Where a step runs: on one device, or on all devices of this host."""

import functools
from typing import Any

from tfinspect.errors import ConfigError


def make_strategy(devices: str) -> Any:
    """Returns the `tf.distribute` strategy for "one" device or "all" local ones.

    Several logical CPUs count as devices where there is no GPU.

    Raises:
      ConfigError: the name is neither.
    """
    import tensorflow as tf

    if devices not in ("one", "all"):
        raise ConfigError(f"devices '{devices}' is unknown; give 'one' or 'all'.")
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if devices == "one" or len(names) == 1:
        # The default strategy, not OneDeviceStrategy: that puts an iterator of its own, with
        # tf.data's autotuning on, above the data set, and the end of `fit` sometimes waits for
        # its thread: pauses of 28 and 47 s were seen.
        return tf.distribute.get_strategy()
    return _mirrored(tuple(names))


@functools.cache
def _mirrored(names: tuple[str, ...]) -> Any:
    import tensorflow as tf

    # One for all runs of a process: a second one on the same devices would number its messages
    # from the beginning, and TensorFlow 2.21 takes them for those of the first.
    return tf.distribute.MirroredStrategy(list(names))


def check_batch(batch_size: int, replicas: int, called: str = "devices") -> None:
    """Raises a ConfigError if the batch cannot be shared equally by the replicas.

    Args:
      batch_size: over all replicas.
      replicas: how many there are.
      called: what they are, in the plural.
    """
    if batch_size % replicas:
        below = batch_size - batch_size % replicas
        raise ConfigError(
            f"batch_size {batch_size} cannot be shared equally by {replicas} {called}; give "
            f"--batch-size {f'{below} or ' if below else ''}{below + replicas}."
        )
