"""What of a model's output is called its logits."""

from collections.abc import Sequence
from typing import Any

from tfinspect.errors import ConfigError

_PASSING = frozenset({"Identity", "Cast", "StopGradient"})
_SHAPING = frozenset({"Reshape", "Squeeze"})
_CLIPPING = frozenset({"Minimum", "Maximum", "ClipByValue"})
# Bounds of a clip that keeps probabilities from 0 and 1 and changes nothing else.
_LOW, _HIGH = 0.01, 0.99


def before_softmax(output: Any) -> Any:
    """Returns the input of the Softmax that a graph tensor comes from, else the tensor itself.

    Behind the Softmax may stand ops that pass values on, Reshape or Squeeze as long as the classes
    stay the last axis, and a clip that keeps the probabilities from 0 and 1. Where the Softmax had
    another shape, its input is brought into the output's.
    """
    softmax = _softmax_behind(output)
    if softmax is None:
        return output
    logits = softmax.inputs[0]
    if logits.shape.rank == output.shape.rank:
        return logits
    import tensorflow as tf

    with tf.name_scope("logits_of_softmax"):
        return tf.reshape(logits, tf.shape(output))


def ends_in(output: Any) -> str:
    """Returns the type of the op that a graph tensor comes from, behind those that pass it on."""
    op = output.op
    while op.type in _PASSING | _SHAPING and op.inputs:
        op = op.inputs[0].op
    return str(op.type)


def before_sigmoid(output: Any) -> Any:
    """Returns the input of the Sigmoid that `ends_in` found, in the output's shape; None without.

    Args:
      output: graph tensor of a static shape.
    """
    op = output.op
    while op.type in _PASSING | _SHAPING and op.inputs:
        op = op.inputs[0].op
    if op.type != "Sigmoid":
        return None
    import tensorflow as tf

    with tf.name_scope("logits_of_sigmoid"):
        return tf.reshape(op.inputs[0], output.shape)


def _softmax_behind(output: Any) -> Any:
    op, classes = output.op, output.shape[-1] if output.shape.rank else None
    while op.inputs:
        if op.type == "Softmax":
            return op
        if op.type in _SHAPING and not _keeps_classes(op, classes):
            return None
        if op.type not in _PASSING | _SHAPING and not _only_clips(op):
            return None
        op = op.inputs[0].op
    return None


def _keeps_classes(op: Any, classes: int | None) -> bool:
    given = op.inputs[0].shape
    # The output of an unknown shape has no other classes that could be told.
    return not given.rank or classes is None or given[-1] in (None, classes)


def _only_clips(op: Any) -> bool:
    import tensorflow as tf

    bounds = [tf.get_static_value(bound) for bound in op.inputs[1:]]
    if op.type not in _CLIPPING or any(bound is None or bound.size != 1 for bound in bounds):
        return False
    low = bounds[0] if op.type != "Minimum" else 0
    high = bounds[-1] if op.type != "Maximum" else 1
    return bool(low <= _LOW and high >= _HIGH)


def choose_output(path: str, tensors: Sequence[Any]) -> Any:
    """Chooses the output of a model among graph tensors.

    The one float tensor of rank 2, where logits and their Softmax count as one; without any, the
    one float tensor.

    Raises:
      ConfigError: there are several, or none.
    """
    floats = [tensor for tensor in tensors if tensor.dtype.is_floating]
    ranked = [tensor for tensor in floats if tensor.shape.rank == 2]
    for candidates in (ranked, floats):
        logits = {_core(tensor).name: tensor for tensor in candidates}
        if len(logits) == 1:
            return candidates[0]
        if logits:
            break
    listed = ", ".join(f"'{one.name}' {_shape(one)}" for one in (ranked or floats or tensors)[:5])
    more = len(ranked or floats or tensors) - 5
    raise ConfigError(
        f"'{path}' has {len(logits) or 'no'} float outputs that may be the logits: {listed}"
        f"{f' and {more} more' if more > 0 else ''}; choose one with output_name= (--output-name)."
    )


def _core(tensor: Any) -> Any:
    logits = before_softmax(tensor)
    while logits.op.type == "Identity":
        logits = logits.op.inputs[0]
    return logits


def _shape(tensor: Any) -> str:
    if tensor.shape.rank is None:
        return "of unknown rank"
    return f"[{', '.join('?' if size is None else str(size) for size in tensor.shape)}]"
