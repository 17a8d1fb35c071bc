"""What a declared gradient returned, brought to the inputs' shapes or refused."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfinspect.custom_ops import boundary
from tfinspect.custom_ops.declaration import spec_of, words
from tfinspect.errors import CustomOpError


def completed(upstream: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Returns a dense gradient per floating output, zeros where nothing depends on it."""
    return [
        tf.zeros_like(output) if one is None and _differentiable(output) else _dense(one)
        for one, output in zip(upstream, outputs, strict=True)
    ]


def _dense(gradient: Any) -> Any:
    return None if gradient is None else tf.convert_to_tensor(gradient)


def _differentiable(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)


def fitted(found: Any, inputs: Sequence[Any], op: Any) -> list[Any]:
    """Returns one gradient per input, of its dtype and shape.

    Inputs that are no floats have none, whatever was returned for them. Axes that an input was
    broadcast over are summed.

    Args:
      found: what the declared gradient returned.
      inputs: of the call.
      op: whose names go into messages.

    Raises:
      CustomOpError: another number of gradients, an array, or another dtype or shape.
    """
    several = isinstance(found, (list, tuple))
    gradients = list(found) if several else [found]
    boundary.refuse_arrays(gradients, op.name)
    if len(gradients) != len(inputs):
        raise CustomOpError(
            f"the gradient of '{op.name}' returned {len(gradients)} values for {len(inputs)} "
            "inputs; return one for each, None where there is none."
        )
    pairs = enumerate(zip(gradients, inputs, strict=True))
    return [_fitted(one, tensor, described(op, place)) for place, (one, tensor) in pairs]


def described(op: Any, place: int) -> str:
    """Words an input: by the forward's parameter, or by its place."""
    names = getattr(op, "input_names", ())
    return f"'{names[place]}' of '{op.name}'" if place < len(names) else f"{place} of '{op.name}'"


def _fitted(gradient: Any, tensor: Any, which: str) -> Any:
    if gradient is None or not _differentiable(tensor):
        return None
    gradient = _dense(gradient)
    if gradient.dtype != tensor.dtype or not _is_broadcast(gradient.shape, tensor.shape):
        raise CustomOpError(
            f"the gradient for input {which} is {words(spec_of(gradient))}, and the input is "
            f"{words(spec_of(tensor))}; return the input's own dtype and shape."
        )
    known = gradient.shape.is_fully_defined() and tensor.shape.is_fully_defined()
    if known and gradient.shape == tensor.shape:
        return gradient
    return _summed(gradient, tensor)


def _is_broadcast(gradient: tf.TensorShape, tensor: tf.TensorShape) -> bool:
    """Tells whether a tensor of the second shape could have been broadcast to the first."""
    if gradient.rank is None or tensor.rank is None:
        return True
    if gradient.rank < tensor.rank:
        return False
    trailing = gradient.as_list()[gradient.rank - tensor.rank :]
    return all(
        small in (1, None) or large in (small, None)
        for large, small in zip(trailing, tensor.as_list(), strict=True)
    )


def _summed(gradient: Any, tensor: Any) -> Any:
    shape = tf.shape(tensor)
    axes = tf.raw_ops.BroadcastGradientArgs(s0=shape, s1=tf.shape(gradient)).r0
    summed = tf.reshape(tf.reduce_sum(gradient, axes), shape)
    summed.set_shape(tensor.shape)
    return summed
