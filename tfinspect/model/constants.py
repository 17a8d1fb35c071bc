"""Predicates of a graph that are known without running it."""

from tfinspect.model.nodes import Nodes, data_inputs, op_name

_PASSING = frozenset({"Identity", "StopGradient"})
_NOT = "LogicalNot"


def constant(nodes: Nodes, tensor: str) -> bool | None:
    """Returns the truth of a tensor that comes from a constant scalar; None where it does not."""
    import tensorflow as tf

    turned = False
    node = nodes.get(op_name(tensor))
    while node is not None and node.op in _PASSING | {_NOT}:
        turned ^= node.op == _NOT
        node = nodes.get(op_name(data_inputs(node)[0]))
    if node is None or node.op != "Const":
        return None
    value = tf.make_ndarray(node.attr["value"].tensor)
    return bool(value) != turned if value.ndim == 0 else None
