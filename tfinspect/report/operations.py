"""Floating-point operations of a graph, added up by the scope of the op."""

from typing import Any

from tfinspect.errors import ArtifactError
from tfinspect.op_costs import op_costs
from tfinspect.tensors import open_graph_artifact, ops_of


def flops_by_scope(source: Any) -> dict[str, int] | None:
    """Returns scope -> operations of one example; None where no graph or no shapes are known.

    Shapes that the graph does not say are inferred by TensorFlow, which is imported for it.

    Args:
      source: an opened artifact, or a live model.
    """
    try:
        ops = ops_of(open_graph_artifact(source), shapes=True)
    except ArtifactError:
        return None
    costs = op_costs(ops)
    found: dict[str, int] = {}
    for op in ops:
        cost = costs.get((op.function, op.name))
        if cost is not None and cost.flops is not None:
            scope = op.name.rpartition("/")[0]
            found[scope] = found.get(scope, 0) + cost.flops
    return found or None
