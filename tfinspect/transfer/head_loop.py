"""The steps of a small model, several in one call of TensorFlow.

A step of a classifier on stored features takes less than calling it from Python does.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tfinspect.training.schedule import Schedule
from tfinspect.training.segments import Segment

# A call that takes longer is shortened: between two calls the run can be stopped.
SECONDS_PER_CALL = 0.1


def fit_several_a_call(
    model: Any, dataset: Any, segment: Segment, callbacks: Sequence[Any], schedule: Schedule
) -> bool:
    """Trains one segment as `fit` does; each call takes twice the steps of a short one before it.

    How many they are changes no result.

    Args:
      model: compiled, with an `OwnStep`.
      dataset: batches from the segment's first step on.
      segment: epochs and their steps.
      callbacks: Keras's. What a call logs has one value for each of its steps.
      schedule: the learning rate of each step of the run.

    Returns:
      Whether a callback has set `stop_training`.
    """
    told = tf_keras.callbacks.CallbackList(callbacks, model=model)
    batches, step, at_once = iter(dataset), segment.start_step, 1
    take = _steps(model, batches)
    model.stop_training = False
    for epoch in range(segment.first_epoch, segment.first_epoch + segment.num_epochs):
        told.on_epoch_begin(epoch)
        end = step + segment.steps_per_epoch
        while step < end:
            count = min(at_once, end - step)
            rates = np.asarray([schedule(step + number) for number in range(count)], np.float32)
            told.on_train_batch_begin(step)
            started = time.perf_counter()
            logs = {name: value.numpy() for name, value in take(batches, rates).items()}
            is_short = time.perf_counter() - started < SECONDS_PER_CALL
            step += count
            told.on_train_batch_end(step, logs)
            at_once = at_once * 2 if is_short else max(at_once // 2, 1)
        told.on_epoch_end(epoch)
        if model.stop_training:
            return True
    return False


def _steps(model: Any, batches: Any) -> Callable[[Any, np.ndarray], Any]:
    """Returns a function of an iterator and of the rates of as many steps as it takes."""
    kinds = dict.fromkeys(("loss", "accuracy", "examples"), tf.float32)

    @tf.autograph.experimental.do_not_convert
    def one(batches: Any, rate: Any) -> Any:
        model.optimizer.learning_rate.assign(rate)
        return model.train_step(next(batches))

    @tf.function(autograph=False)
    def several(batches: Any, rates: Any) -> Any:
        # One after the other: each step begins with the weights of the one before.
        return tf.map_fn(
            lambda rate: one(batches, rate),
            rates,
            fn_output_signature=kinds,
            parallel_iterations=1,
        )

    traced = several.get_concrete_function(batches, tf.TensorSpec([None], tf.float32))
    return lambda iterator, rates: traced(iterator, tf.constant(rates))
