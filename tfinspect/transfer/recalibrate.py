"""Batch-norm statistics measured on new images, while the weights stay as they are.

With the statistics of the checkpoint's own images, features of quite other ones may lie far from
where the layers above expect them.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.nets.slim_model import SlimModel
from tfinspect.transfer.frozen import is_statistic

# More images hardly change the averages.
BATCHES = 64


def recalibrate(model: SlimModel, batches: Iterable[Any]) -> int:
    """Sets all moving statistics to their means over some batches, and returns how many were used.

    Args:
      model: its weights stay; every normalization sees what the recalibrated ones before it give.
      batches: preprocessed images, float32 `[N, H, W, C]` each; the first 64 are used.
    """
    # With a decay of 0 the moving statistics are those of the last batch.
    measuring = SlimModel(model.spec, model.num_classes, batch_norm_decay=0.0, seed=None)
    copies = measuring.variables_by_name()
    for name, variable in model.variables_by_name().items():
        copies[name].assign(variable)
    statistics = {name: one for name, one in copies.items() if is_statistic(name)}
    run = tf.function(lambda images: measuring.network(images, True)[0])
    sums = {name: np.zeros(variable.shape, np.float64) for name, variable in statistics.items()}
    count = 0
    for images in batches:
        if count == BATCHES:
            break
        run(images)
        count += 1
        for name, variable in statistics.items():
            sums[name] += variable.numpy()
    for name, total in sums.items():
        if count:
            model.variables_by_name()[name].assign((total / count).astype(np.float32))
    return count
