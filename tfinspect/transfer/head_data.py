"""Batches of bottleneck features, in the same order as the images would come."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.data.load import fixed_options
from tfinspect.data.order import Order
from tfinspect.data.shuffled import shuffled_batches
from tfinspect.transfer.bottlenecks import Features

# A head is small: batches cost more than what is computed on them.
_EVALUATED_AT_ONCE = 256


def training_features(features: Features, order: Order, batch_size: int) -> Any:
    """Returns a data set of features and labels for all epochs of a stage.

    Args:
      features: of the training split, one row an image, or one a view of an image.
      order: of the run; of several views each epoch takes as many as there are images, by chance.
      batch_size: images in a batch.
    """
    dataset = shuffled_batches(order, len(features.labels), batch_size, _nothing).map(_numbers)
    return _with_values(dataset, features).prefetch(4).with_options(fixed_options())


def evaluation_features(features: Features, batch_size: int = _EVALUATED_AT_ONCE) -> Any:
    """Returns a data set of features and labels in stored order, once."""
    numbers = tf.data.Dataset.range(len(features.labels)).batch(batch_size)
    return _with_values(numbers, features).with_options(fixed_options())


@tf.autograph.experimental.do_not_convert
def _numbers(chosen: Any, nothing: Any) -> Any:
    del nothing
    return chosen


def _nothing(key: Any, count: int) -> Any:
    del key
    return tf.zeros([count], tf.int8)


def _with_values(numbers: Any, features: Features) -> Any:
    arrays, labels = features.arrays, features.labels
    kinds = [tf.as_dtype(array.dtype) for array in (*arrays, labels)]

    def read(chosen: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(array[chosen]) for array in (*arrays, labels)]

    @tf.autograph.experimental.do_not_convert
    def gather(chosen: Any) -> tuple[Any, Any]:
        *values, found = tf.numpy_function(read, [chosen], kinds, stateful=False)
        for value, array in zip(values, arrays, strict=True):
            value.set_shape([None, *array.shape[1:]])
        found.set_shape([None])
        return (tuple(values) if len(values) > 1 else values[0]), found

    return numbers.map(gather)
