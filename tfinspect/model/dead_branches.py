"""Conditions of TensorFlow 1 whose predicate is a constant: only the branch that runs is kept.

Source: `tensorflow/core/kernels/control_flow_ops.cc` (Switch, Merge).
"""

from dataclasses import dataclass, field
from typing import Any

from tfinspect.model.constants import constant
from tfinspect.model.nodes import (
    Nodes,
    become_identity,
    data_inputs,
    is_control,
    op_name,
    tensor_name,
)


@dataclass
class _Branches:
    """What is known of the conditions.

    Attributes:
      live: output of a Switch that passes its value on -> that value.
      dead: outputs that never come.
      ops: that never run.
    """

    live: dict[str, str] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    ops: set[str] = field(default_factory=set)

    def is_dead(self, reference: str) -> bool:
        if op_name(reference) in self.ops:
            return True
        return not is_control(reference) and tensor_name(reference) in self.dead

    def followed(self, reference: str) -> str:
        while not is_control(reference) and tensor_name(reference) in self.live:
            reference = self.live[tensor_name(reference)]
        return reference


def take_live_branches(nodes: Nodes) -> None:
    """Resolves the conditions whose predicate is known, such as a training switch that was fed.

    Each Merge becomes an Identity of the branch that runs; the other branch is taken out.
    """
    branches = _Branches()
    for node in list(nodes.values()):
        if node.op == "Switch":
            _resolve(nodes, node, branches)
    if not branches.live:
        return
    while [node for node in nodes.values() if _settle(node, branches)]:
        continue
    for name in branches.ops | {op_name(tensor) for tensor in branches.live}:
        del nodes[name]
    for node in nodes.values():
        inputs = [branches.followed(one) for one in node.input]
        node.ClearField("input")
        node.input.extend(inputs)


def _resolve(nodes: Nodes, switch: Any, branches: _Branches) -> None:
    value, predicate = data_inputs(switch)
    known = constant(nodes, predicate)
    if known is not None:
        branches.live[f"{switch.name}:{int(known)}"] = value
        branches.dead.add(f"{switch.name}:{int(not known)}")


def _settle(node: Any, branches: _Branches) -> bool:
    """Tells whether something new is known of an op: that it never runs, or what a Merge is."""
    if node.name in branches.ops or not any(map(branches.is_dead, node.input)):
        return False
    alive = [one for one in data_inputs(node) if not branches.is_dead(one)]
    if node.op == "Merge" and alive:
        if len(alive) == 1:
            become_identity(node, alive[0])
        return len(alive) == 1
    branches.ops.add(node.name)
    return True
