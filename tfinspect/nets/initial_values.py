"""Initial values that depend on a variable's name and one seed, and on nothing else.

TensorFlow draws initial values from an operation's seed, which counts the operations before it,
mixed with a process-wide seed: another order of creation gives other weights. Here each variable's
initializer runs in a graph of its own, whose seed is the CRC-32 of the variable's name and the
model's seed.
"""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Initializer = Callable[..., Any]
_CONSTANTS = (
    tf.compat.v1.zeros_initializer,
    tf.compat.v1.ones_initializer,
    tf.compat.v1.constant_initializer,
)


def variable_seed(name: str, seed: int) -> int:
    """Returns the seed of one variable, in 0..2^31 - 1.

    >>> variable_seed("resnet/conv1/weights", 0) == variable_seed("resnet/conv1/weights", 1)
    False
    """
    return zlib.crc32(f"{seed}/{name}".encode()) & 0x7FFFFFFF


def seeded(initializer: Initializer, name: str, seed: int | None) -> Initializer:
    """Returns an initializer whose values depend on the name and the seed only.

    Args:
      initializer: called with a shape and a dtype, as TF1-style initializers are.
      name: full name of the variable, without `:0`.
      seed: of the model; None draws nothing.

    Returns:
      A function of shape, dtype and partition_info; the values have the given one's distribution.
      A constant initializer is returned as it is; without a seed all others become zeros.
    """
    if isinstance(initializer, _CONSTANTS):
        return initializer
    if seed is None:
        return tf.compat.v1.zeros_initializer()

    def initial_value(shape: Any, dtype: Any = None, partition_info: Any = None) -> np.ndarray:
        del partition_info
        with tf.Graph().as_default(), tf.device("CPU"):
            tf.compat.v1.set_random_seed(variable_seed(name, seed))
            value = initializer(shape, dtype=dtype or tf.float32)
            with tf.compat.v1.Session() as session:
                return session.run(value)

    return initial_value
