"""Dropout of a training graph taken out: what it dropped and scaled is passed on.

Source: `tf.nn.dropout` as TensorFlow 1 and 2 build it: `x / keep * floor(keep + uniform)`,
`x * scale * cast(uniform >= rate)`, `select(uniform >= rate, x * scale, 0)`.
"""

from tfinspect.model.nodes import (
    Nodes,
    become_identity,
    consumers_of,
    data_inputs,
    op_name,
    reached,
)

_UNIFORM = frozenset({"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"})
_THRESHOLDS = frozenset({"Floor", "GreaterEqual", "Greater", "Less", "LessEqual"})
_NOISE = _THRESHOLDS | {"Add", "AddV2", "Sub", "Mul", "Cast", "Identity", "LogicalNot"}
_MASKED = frozenset({"Mul", "Select", "SelectV2"})
_SCALED = frozenset({"Mul", "RealDiv", "Div"})


def bypass_dropout(nodes: Nodes, images: str) -> list[str]:
    """Lets every dropout pass its input on.

    Args:
      nodes: the graph.
      images: tensor that takes the images.

    Returns:
      The ops that masked; they and the scaling before them became Identity ops.
    """
    uniform = [node.name for node in nodes.values() if node.op in _UNIFORM]
    if not uniform:
        return []
    flowing = reached(nodes, images, lambda name: nodes[name].op not in _UNIFORM)
    flowing.add(op_name(images))
    consumers = consumers_of(nodes)
    found = []
    for name in uniform:
        mask = _masking(nodes, consumers, name, flowing)
        scaled = mask and _only_flowing(nodes, mask, flowing)
        if mask and scaled and nodes[op_name(scaled)].op in _SCALED:
            kept = _only_flowing(nodes, op_name(scaled), flowing)
            if kept:
                become_identity(nodes[op_name(scaled)], kept)
                become_identity(nodes[mask], scaled)
                found.append(mask)
    return found


def _masking(
    nodes: Nodes, consumers: dict[str, list[str]], uniform: str, flowing: set[str]
) -> str | None:
    """Finds the op where the thresholded noise meets the flow of the images."""
    waiting, seen = [(uniform, False)], {uniform}
    while waiting:
        name, thresholded = waiting.pop()
        for taker in consumers.get(f"{name}:0", ()):
            op = nodes[taker].op
            if thresholded and op in _MASKED and taker in flowing:
                return taker
            if op in _NOISE and taker not in seen and taker not in flowing:
                seen.add(taker)
                waiting.append((taker, thresholded or op in _THRESHOLDS))
    return None


def _only_flowing(nodes: Nodes, name: str, flowing: set[str]) -> str | None:
    """Returns the one input of an op that the images flow into."""
    found = [tensor for tensor in data_inputs(nodes[name]) if op_name(tensor) in flowing]
    return found[0] if len(found) == 1 else None
