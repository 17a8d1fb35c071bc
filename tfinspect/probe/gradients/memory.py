"""How many examples fit into a given memory."""

import re
from collections.abc import Mapping
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.model.graph_walk import reached_from

DEFAULT_CHUNK = 64
_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}
# Forward values stay until the backward pass has used them; half as much again is in work.
_LIVE_SHARE = 1.5
# Of the largest value, which a convolution's taps make beside it.
_SHIFTED_COPIES = 4


def parse_memory(memory: str | int | None) -> int | None:
    """Returns bytes of a size such as `2GB` or `500MB`; None stays None.

    >>> parse_memory("1.5GB")
    1500000000

    Raises:
      ConfigError: it is no size above 0.
    """
    if memory is None or isinstance(memory, int):
        size = memory
    else:
        match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]*)\s*", memory)
        unit = _UNITS.get(match[2].upper()) if match else None
        size = int(float(match[1]) * unit) if match and unit else 0
    if size is not None and size < 1:
        raise ConfigError(f"'{memory}' is no memory size; write it such as 2GB or 500MB.")
    return size


def bytes_per_example(
    model: Any, shape: tuple[int, ...], variables: Mapping[str, Any], full: bool
) -> int:
    """Estimates what one example needs: activations, their gradients, and its own gradients.

    Args:
      model: a `Model`.
      shape: `(H, W, C)` of the images.
      variables: chosen ones.
      full: whether all gradients are kept, or norms alone.
    """
    import tensorflow as tf

    graph = tf.__internal__.FuncGraph("sizes")
    with graph.as_default():
        images = tf.compat.v1.placeholder(model.input_dtype, [model.batch or 1, *shape])
        model.build(images)
    # What does not depend on the images, such as the weights, is there once for all examples.
    reached = reached_from(images)
    ops = [op for op in graph.get_operations() if op.inputs and op.name in reached]
    sizes = [_size(output) for op in ops for output in op.outputs]
    values = (sum(sizes) + _SHIFTED_COPIES * max(sizes, default=0)) / (model.batch or 1)
    rows = set() if full else _looked_up(graph, variables)
    made = [one for name, one in variables.items() if name not in rows]
    gradients = [4 * int(variable.shape.num_elements()) for variable in made]
    # Gradients stand once as results, and the largest once more while it is put together.
    kept = sum(gradients) if full else 0
    return int(_LIVE_SHARE * values + kept + 2 * max(gradients, default=0))


def _looked_up(graph: Any, variables: Mapping[str, Any]) -> set[str]:
    """Returns the variables of which only rows are read: norms need no more than these rows."""
    from tfinspect.probe.gradients.sites import handles

    names = handles(graph, variables)
    return {
        names[id(inner)]
        for _, inner in graph.captures
        if id(inner) in names and all(map(_takes_rows, inner.consumers()))
    }


def _takes_rows(op: Any) -> bool:
    if op.type in ("ReadVariableOp", "Identity", "Cast"):
        return all(_takes_rows(reader) for reader in op.outputs[0].consumers())
    return op.type in ("GatherV2", "ResourceGather", "VariableShape")


def _size(tensor: Any) -> int:
    if tensor.dtype.size is None or not tensor.shape.is_fully_defined():
        return 0
    return int(tensor.shape.num_elements() * tensor.dtype.size)


def chunk_size(count: int, most: int) -> int:
    """Returns the examples per chunk when N are cut evenly into chunks of at most so many.

    >>> chunk_size(1000, 300)
    250
    """
    chunks = -(-count // max(1, min(most, count)))
    return -(-count // chunks)
