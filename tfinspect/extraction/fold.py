"""Batch normalization, and constant factors, folded into the convolution before them.

In inference a normalization is `y * s + (beta - mean * s)` with `s = gamma / sqrt(variance +
epsilon)`, per channel: a convolution with kernel `w * s` and a bias gives the same. So it is with
the factor on the residuals of Inception-ResNet, which costs a pass over memory of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.extraction.inference_graph import constant_node
from tfinspect.model.nodes import Nodes, ancestors, by_name, consumers_of, data_inputs, op_name

_NORMALIZATIONS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
_DEFAULT_EPSILON = 1e-4


@dataclass(frozen=True)
class Folded:
    """A graph after folding.

    Attributes:
      graph_def: the graph.
      folded: how many normalizations are gone.
      kept: how many stay, for want of a convolution before them.
      factors: how many constant factors are gone.
    """

    graph_def: Any
    folded: int
    kept: int
    factors: int


def fold_batch_norm(graph_def: Any, outputs: tuple[str, ...]) -> Folded:
    """Folds inference batch normalizations and constant factors into convolutions of constants.

    Only the sole consumer of a convolution, or of the bias added to it, is folded. Others, such as
    normalizations before a convolution in pre-activation networks, stay. The op that adds the bias
    has the name of what was folded; the kernel stays under its name, and the bias stands beside it
    as `biases`.

    Args:
      graph_def: a frozen graph; it is not changed.
      outputs: tensors that stay as they are; what none of them needs is left out.
    """
    nodes = by_name(graph_def.node)
    norms = [node for node in nodes.values() if node.op in _NORMALIZATIONS]
    products = [node for node in nodes.values() if node.op == "Mul"]
    folding = _Folding(nodes, consumers_of(nodes), frozenset(map(op_name, outputs)))
    folded = sum(folding.fold_norm(node) for node in norms)
    factors = sum(folding.fold_factor(node) for node in products)
    used = ancestors(nodes, map(op_name, outputs))
    result = type(graph_def)(node=used.values(), versions=graph_def.versions)
    result.library.CopyFrom(graph_def.library)
    return Folded(result, folded, len(norms) - folded, factors)


@dataclass(frozen=True)
class _Linear:
    """A convolution, and the bias added to it: 0 and None where there is none."""

    convolution: Any
    kernel: np.ndarray
    bias: Any
    bias_add: Any


@dataclass(frozen=True)
class _Folding:
    nodes: Nodes
    consumers: Mapping[str, list[str]]
    outputs: frozenset[str]

    def fold_norm(self, norm: Any) -> bool:
        """Folds one normalization; tells whether it could be done."""
        statistics = (f"{norm.name}:{output}" for output in range(1, 6))
        if norm.attr["is_training"].b or any(self.consumers.get(one) for one in statistics):
            return False
        linear = self._linear(norm, data_inputs(norm)[0])
        numbers = [self._value(one) for one in data_inputs(norm)[1:5]]
        if linear is None or any(one is None for one in numbers):
            return False
        gamma, beta, mean, variance = (np.asarray(one, np.float64) for one in numbers)
        epsilon = norm.attr["epsilon"].f if "epsilon" in norm.attr else _DEFAULT_EPSILON
        factor = gamma / np.sqrt(variance + epsilon)
        self._replace(linear, norm, factor, beta + (linear.bias - mean) * factor)
        return True

    def fold_factor(self, product: Any) -> bool:
        """Folds one multiplication by a constant scalar; tells whether it could be done."""
        inputs = data_inputs(product)
        values = [self._value(one) for one in inputs]
        scalars = [place for place, one in enumerate(values) if one is not None and one.ndim == 0]
        if len(scalars) != 1:
            return False
        linear = self._linear(product, inputs[1 - scalars[0]])
        # Without a bias there would be no op to take the product's place.
        if linear is None or linear.bias_add is None:
            return False
        factor = np.float64(values[scalars[0]])
        self._replace(linear, product, factor, linear.bias * factor)
        return True

    def _linear(self, node: Any, tensor: str) -> _Linear | None:
        """Returns the convolution, and its bias, whose value goes into a node alone."""
        bias: Any = np.float64(0)
        before, bias_add = self._before(node, tensor), None
        if before is not None and before.op == "BiasAdd":
            bias_add, (tensor, added) = before, data_inputs(before)
            bias = self._value(added)
            before = self._before(before, tensor)
        if before is None or before.op not in _CONVOLUTIONS or bias is None:
            return None
        kernel = self._value(data_inputs(before)[1])
        # The last axis of a kernel is that of the channels in either layout; a bias's is not.
        plain = all(one.attr["data_format"].s in (b"", b"NHWC") for one in (node, before))
        if kernel is None or not plain or before.attr["T"] != node.attr["T"]:
            return None
        return _Linear(before, kernel, bias, bias_add)

    def _before(self, node: Any, tensor: str) -> Any:
        """Returns the op that gives a tensor, if that goes into a node and nowhere else."""
        name = op_name(tensor)
        alone = self.consumers.get(tensor) == [node.name] and name not in self.outputs
        return self.nodes.get(name) if alone else None

    def _constant(self, tensor: str) -> Any:
        node = self.nodes.get(op_name(tensor))
        while node is not None and node.op == "Identity":
            node = self.nodes.get(op_name(node.input[0]))
        return node if node is not None and node.op == "Const" else None

    def _value(self, tensor: str) -> np.ndarray | None:
        import tensorflow as tf

        node = self._constant(tensor)
        return None if node is None else tf.make_ndarray(node.attr["value"].tensor)

    def _replace(self, linear: _Linear, node: Any, factor: Any, bias: Any) -> None:
        """Scales the kernel, and makes the op that adds the bias of a node."""
        convolution, kernel = linear.convolution, linear.kernel
        if convolution.op == "DepthwiseConv2dNative" and np.ndim(factor):
            # Kernel [H, W, C, M]; channel c * M + m of the output.
            factor = factor.reshape(kernel.shape[2:])
        scaled = (kernel * factor).astype(kernel.dtype)
        stored = self._constant(data_inputs(convolution)[1]).name
        convolution.input[1] = self._put(stored, f"{node.name}/weights", convolution.name, scaled)
        beside = f"{stored.rpartition('/')[0]}/biases"
        owner = "" if linear.bias_add is None else linear.bias_add.name
        added = self._put(beside, f"{node.name}/biases", owner, bias.astype(kernel.dtype))
        dtype, name = convolution.attr["T"].type, node.name
        node.Clear()
        node.name, node.op = name, "BiasAdd"
        node.input.extend([convolution.name, added])
        node.attr["T"].type = dtype

    def _put(self, name: str, otherwise: str, owner: str, value: np.ndarray) -> str:
        """Makes a constant under its old name, or another one if others than its owner read it."""
        import tensorflow as tf

        if name in self.nodes and self._readers(name) != {owner}:
            name = otherwise
        self.nodes[name] = constant_node(name, tf.make_tensor_proto(value))
        return name

    def _readers(self, name: str) -> set[str]:
        """Returns the ops that take a tensor, behind those that only pass it on."""
        found: set[str] = set()
        for reader in self.consumers.get(f"{name}:0", ()):
            passing = self.nodes[reader].op == "Identity"
            found |= self._readers(reader) if passing else {reader}
        return found
