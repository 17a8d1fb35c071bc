"""Batch normalization with the statistics of all replicas' examples, fillers left out."""

import contextlib
import contextvars
import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.nets.slim_layers import PACKAGE, replace_layer

_NAME = "batch_norm"
# The defaults of slim's layer.
_DECAY, _EPSILON = 0.999, 0.001


@dataclass(frozen=True)
class _Examples:
    weights: Any


_examples: contextvars.ContextVar[_Examples | None] = contextvars.ContextVar("sync", default=None)


@contextlib.contextmanager
def synchronized(wanted: bool, weights: Any = None) -> Iterator[None]:
    """Lets networks in training mode normalize over all replicas while the block runs.

    Args:
      wanted: False changes nothing.
      weights: `[N]`; examples that weigh nothing are not counted. None counts all.
    """
    token = _examples.set(_Examples(weights) if wanted else None)
    try:
        yield
    finally:
        _examples.reset(token)


def wait_for_replicas() -> None:
    """Returns when all replicas that are built in this process have come as far as this one.

    Mirrored devices are built in threads that take turns wherever they exchange something. The
    variable scopes of slim networks keep their variables in a place that is theirs together, and
    that the first to leave the network takes away.
    """
    takes_turns = not tf.__internal__.distribute.strategy_supports_no_merge_call()
    context = tf.distribute.get_replica_context()
    if _examples.get() is not None and takes_turns and context.num_replicas_in_sync > 1:
        context.merge_call(lambda _: None)


def install() -> None:
    """Lets `slim.batch_norm` ask for the mode, wherever tf_slim's imported modules hold it."""
    replace_layer(_NAME, _asking)


def _asking(original: Callable[..., Any]) -> Callable[..., Any]:
    key = original._key_op  # type: ignore[attr-defined]

    @functools.wraps(original)
    def batch_norm(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        examples = _examples.get()
        scopes = sys.modules[f"{PACKAGE}.ops.arg_scope"]
        settings = scopes.current_arg_scope().get(key, {}) | kwargs
        if examples is None or not settings.get("is_training", True):
            return original(inputs, *args, **kwargs)
        with tf.compat.v1.variable_scope(settings.get("scope"), "BatchNorm", [inputs]):
            outputs = _normalized(inputs, examples.weights, settings)
        activation = settings.get("activation_fn")
        return outputs if activation is None else activation(outputs)

    # By this key slim's arg scopes find the function.
    batch_norm._key_op = key  # type: ignore[attr-defined]
    return batch_norm


def _normalized(inputs: Any, weights: Any, settings: dict[str, Any]) -> Any:
    values = inputs if inputs.dtype.size >= 4 else tf.cast(inputs, tf.float32)

    def variable(name: str) -> Any:
        # The model has created it, as the layer's own.
        return tf.compat.v1.get_variable(name, values.shape[-1:], values.dtype)

    mean, variance = variable("moving_mean"), variable("moving_variance")
    beta = variable("beta") if settings.get("center", True) else None
    gamma = variable("gamma") if settings.get("scale", False) else None
    batch_mean, batch_variance, count = moments(values, weights, tf.identity(mean))
    kept = settings.get("decay", _DECAY)
    # The fused kernel of one device moves towards the unbiased variance, too.
    unbiased = batch_variance * count / tf.maximum(count - 1, 1)
    for moved, value in ((mean, batch_mean), (variance, unbiased)):
        moved.assign_sub((1 - kept) * (moved - tf.stop_gradient(value)))
    epsilon = settings.get("epsilon", _EPSILON)
    normal = tf.nn.batch_normalization(values, batch_mean, batch_variance, beta, gamma, epsilon)
    return tf.cast(normal, inputs.dtype)


def moments(values: Any, weights: Any, near: Any) -> tuple[Any, Any, Any]:
    """Returns mean and variance of each channel over all replicas, and how many values it has.

    Args:
      values: `[N, …, C]` of this replica.
      weights: `[N]`; 0 leaves an example out, anything else counts it once. None counts all.
      near: `[C]`, equal on all replicas. The nearer to the mean, the fewer digits are lost.

    Returns:
      `[C]`, `[C]` (divided by the number, not by one less) and a scalar.
    """
    axes = list(range(values.shape.rank - 1))
    near = tf.stop_gradient(near)
    apart = values - near
    each = tf.cast(tf.size(values[..., :1]) // tf.shape(values)[0], values.dtype)
    examples = tf.cast(tf.shape(values)[0], values.dtype)
    if weights is not None:
        counted = tf.cast(tf.reshape(weights, [-1]) > 0, values.dtype)
        apart *= tf.reshape(counted, [-1] + [1] * (values.shape.rank - 1))
        examples = tf.reduce_sum(counted)
    sums = [tf.reduce_sum(apart, axes), tf.reduce_sum(tf.square(apart), axes)]
    packed = _summed(tf.concat([*sums, [each * examples]], axis=0))
    first, second, count = tf.split(packed, [*[values.shape[-1]] * 2, 1])
    shift = first / count
    return near + shift, tf.maximum(second / count - tf.square(shift), 0.0), count[0]


def _summed(packed: Any) -> Any:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return packed
    return context.all_reduce(tf.distribute.ReduceOp.SUM, packed)
