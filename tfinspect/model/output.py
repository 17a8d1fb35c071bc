"""What of a model's output is called its logits."""

from collections.abc import Sequence
from typing import Any

from tfinspect.errors import ConfigError

_PASSING = frozenset({"Identity", "Reshape", "Squeeze", "Cast", "StopGradient"})


def before_softmax(output: Any) -> Any:
    """Returns the input of the Softmax that a graph tensor comes from, else the tensor itself.

    Ops that only pass values on, such as Identity and Reshape, may stand behind the Softmax.
    """
    op = output.op
    while op.type in _PASSING and op.inputs:
        op = op.inputs[0].op
    return op.inputs[0] if op.type == "Softmax" else output


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
