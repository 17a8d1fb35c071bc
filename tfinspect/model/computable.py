"""Which ops of a stored graph can run from the images and the variables alone."""

from collections.abc import Iterable
from typing import Any

from tfinspect.artifacts.graph_ops import VARIABLE_OPS
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model.inference import uses_batch_statistics
from tfinspect.model.nodes import Nodes, ancestors, consumers_of, data_inputs, op_name, reached

_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})
# Stateful ops that read, or run what a function of the library holds.
_READING = frozenset(
    {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp", "VariableShape"}
) | frozenset({"While", "If", "Case", "StatefulPartitionedCall", "Assert"})
_RANDOM = ("Random", "Multinomial", "TruncatedNormal", "ParameterizedTruncatedNormal")


def blocking(nodes: Nodes, source: str) -> set[str]:
    """Returns the ops that cannot run: unfed, with a state of their own, or without an input.

    Args:
      nodes: the graph.
      source: the op that gives the images; it is none of them.
    """
    return {node.name for node in nodes.values() if node.name != source and not _runs(node, nodes)}


def _runs(node: Any, nodes: Nodes) -> bool:
    from tensorflow.python.framework import op_def_registry

    if any(op_name(tensor) not in nodes for tensor in data_inputs(node)):
        return False
    if uses_batch_statistics(node, nodes):
        return False
    if node.op in VARIABLE_OPS or node.op in _READING:
        return True
    definition = op_def_registry.get(node.op)
    if definition is None or node.op in _PLACEHOLDERS:
        return False
    return not definition.is_stateful and not any(arg.is_ref for arg in definition.input_arg)


def blocked(nodes: Nodes, blockers: Iterable[str]) -> set[str]:
    """Returns the ops that need a blocking one, these included."""
    consumers = consumers_of(nodes)
    outputs: dict[str, list[str]] = {}
    for tensor, takers in consumers.items():
        outputs.setdefault(op_name(tensor), []).extend(takers)
    found = set(blockers)
    waiting = list(found)
    while waiting:
        for name in outputs.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def flow(nodes: Nodes, tensor: str) -> tuple[Nodes, set[str]]:
    """Returns what can be computed of the flow of the images, and what it needs.

    Args:
      nodes: the graph.
      tensor: the images, with the output's number.

    Returns:
      The ops by name, and those of them that the images flow into.
    """
    stopped = blocked(nodes, blocking(nodes, op_name(tensor)))
    flowing = reached(nodes, tensor, lambda name: name not in stopped)
    return ancestors(nodes, flowing, stop=[op_name(tensor)]), flowing


def require_computable(nodes: Nodes, source: str, outputs: Iterable[str]) -> None:
    """Checks that outputs can be computed.

    Args:
      nodes: the graph.
      source: the op that gives the images.
      outputs: names of tensors.

    Raises:
      ConfigError: they need values that must be fed, or random numbers.
      ArtifactError: they need queues, tables or ops that cannot run here.
    """
    blockers = blocking(nodes, source)
    for output in outputs:
        needed = data_ancestors(nodes, op_name(output), source) & blockers
        if needed:
            _refuse(nodes, output, sorted(needed))


def data_ancestors(nodes: Nodes, name: str, source: str) -> set[str]:
    """Returns the ops whose values an op is computed from, itself included."""
    found, waiting = {name}, [name]
    while waiting:
        current = waiting.pop()
        if current == source or current not in nodes:
            continue
        for tensor in data_inputs(nodes[current]):
            if op_name(tensor) not in found:
                found.add(op_name(tensor))
                waiting.append(op_name(tensor))
    return found


def unsaid(nodes: Nodes, source: str, flowing: set[str]) -> None:
    """Checks that the flow does not end where a training switch is not set.

    Without this a network would seem to end before its dropout.

    Raises:
      ConfigError: it ends at a bool or scalar placeholder, or at random numbers.
    """
    blockers = blocking(nodes, source)
    stopped = blocked(nodes, blockers)
    for name, node in nodes.items():
        inputs = map(op_name, data_inputs(node))
        if name not in stopped or node.op.startswith(_RANDOM) or flowing.isdisjoint(inputs):
            continue
        needed = data_ancestors(nodes, name, source) & blockers
        switches = sorted(one for one in needed if _is_switch(nodes[one], nodes))
        # A loss stands behind labels: whatever else it needs does not matter.
        if switches and len(switches) == len(needed):
            _refuse(nodes, f"{name}:0", switches)


def _is_switch(node: Any, nodes: Nodes) -> bool:
    import tensorflow as tf

    if node.op not in _PLACEHOLDERS:
        return node.op.startswith(_RANDOM) or uses_batch_statistics(node, nodes)
    if not node.attr["dtype"].type:
        return False
    dtype, shape = tf.as_dtype(node.attr["dtype"].type), node.attr["shape"].shape
    return dtype.is_bool or (dtype.is_floating and not len(shape.dim))


def _refuse(nodes: Nodes, output: str, needed: list[str]) -> None:
    fed = [name for name in needed if nodes[name].op in _PLACEHOLDERS]
    if fed:
        example = ", ".join(f"'{name}:0': …" for name in fed[:5])
        raise ConfigError(
            f"'{output}' needs values for {_listed(nodes, fed)} besides the images; give them "
            f"with feeds={{{example}}} (--feed), such as False for a training switch."
        )
    batch = [name for name in needed if uses_batch_statistics(nodes[name], nodes)]
    if batch:
        raise ConfigError(
            f"{_listed(nodes, batch)} normalizes by the statistics of the batch, and the graph "
            "keeps no moving averages of them; give the graph that was made for inference."
        )
    random = [name for name in needed if nodes[name].op.startswith(_RANDOM)]
    if random:
        raise ConfigError(
            f"'{output}' needs the random numbers of {_listed(nodes, random)}, as in training; "
            "give the graph that was made for inference, or the output before them with "
            "output_name= (--output-name)."
        )
    raise ArtifactError(
        f"'{output}' needs {_listed(nodes, needed)}, which cannot run here; name the tensor that "
        "takes the images with input_name= (--input-name) and the one to compute with "
        "output_name= (--output-name)."
    )


def _listed(nodes: Nodes, names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"'{name}' ({nodes[name].op})" for name in names[:5]) + more
