"""The values of a stored graph's variables: from a checkpoint, constants, or live variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import ArtifactError
from tfinspect.model.default_attributes import parse_graph
from tfinspect.model.prepare import Prepared
from tfinspect.model.restore_ops import Stored, find_stored, partitioned, stored_variables

_TRAINABLE = "trainable_variables"
_STATISTICS = ("moving_mean", "moving_variance")


@dataclass(frozen=True)
class Weights:
    """Where the values of a graph's variables are.

    Attributes:
      read: from a variable's name and op to its value.
      trainable: tells by a variable's name.
      path: of the checkpoint; None for live variables.
      constants: ops of a frozen graph that were variables.
      live: variables that exist already, by the name of their op.
    """

    read: Callable[[str, Any], np.ndarray]
    trainable: Callable[[str], bool]
    path: str | None = None
    constants: frozenset[str] = frozenset()
    live: Mapping[str, Any] = field(default_factory=dict)

    def variables(self, prepared: Prepared) -> dict[str, Any]:
        """Makes the variables that a prepared graph reads.

        Raises:
          ArtifactError: a value is missing, or has another shape than the graph says.
        """
        import tensorflow as tf

        made = {}
        for name, node in prepared.variables.items():
            if name in self.live:
                made[name] = self.live[name]
                continue
            value = self.read(name, node)
            dtype = tf.as_dtype(node.attr["dtype"].type)
            trainable = self.trainable(name) and dtype.is_floating
            made[name] = tf.Variable(value, dtype=dtype, trainable=trainable, name=name)
        return made

    def named(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Returns variables by their own names; where two have one name, by those of their ops."""
        if not self.live:
            return dict(sorted(variables.items()))
        named: dict[str, Any] = {}
        for op, variable in variables.items():
            name = variable.name.removesuffix(":0")
            named[op if name in named else name] = variable
        return named


def of_checkpoint(graph: Any, values: Any) -> Weights:
    """Returns the weights of a graph whose values are in a checkpoint.

    Args:
      graph: the artifact with the graph.
      values: the artifact with the values.
    """
    graph_def = parse_graph(graph.graph_def())
    stored = partitioned(graph.graph.variables, values)
    stored |= stored_variables(graph_def, graph.saver_tensors)

    def read(name: str, node: Any) -> np.ndarray:
        value = _value(values, find_stored(values, name, stored))
        declared = _shape(node)
        if declared is not None and value.shape != declared:
            raise ArtifactError(
                f"'{name}' has the shape {list(value.shape)} in '{values.path}' and "
                f"{list(declared)} in '{graph.path}'; give the checkpoint of this graph."
            )
        return value

    return Weights(read, _trainable(graph, stored), values.path)


def of_constants(graph: Any) -> Weights:
    """Returns the weights of a frozen graph, whose variables became constants."""
    names = frozenset(entry.name for entry in graph.variables)

    def read(name: str, node: Any) -> np.ndarray:
        del node
        return np.asarray(graph.read(name))

    return Weights(read, _is_weight, graph.path, names)


def of_live(variables: Mapping[str, Any]) -> Weights:
    """Returns variables that exist already, by the name of the op with their handle."""

    def read(name: str, node: Any) -> np.ndarray:
        raise ArtifactError(
            f"the function reads '{name}' ({node.op}), which is no variable that it captured; "
            "give a function of captured variables."
        )

    return Weights(read, _is_weight, live=variables)


def _is_weight(name: str) -> bool:
    return not name.endswith(_STATISTICS)


def _trainable(graph: Any, stored: Mapping[str, Stored]) -> Callable[[str], bool]:
    collections = getattr(graph, "collections_of_variables", {})
    if _TRAINABLE in graph.collections:
        return lambda name: _TRAINABLE in collections.get(name, ())
    said = {entry.key: entry.trainable for entry in graph.variables}

    def trainable(name: str) -> bool:
        known = said.get(stored[name].key) if name in stored else None
        return _is_weight(name) if known is None else known

    return trainable


def _shape(node: Any) -> tuple[int, ...] | None:
    from tfinspect.artifacts.graph_ops import shape_of

    shape = shape_of(node.attr["shape"].shape) if "shape" in node.attr else None
    return None if shape is None or None in shape else shape  # type: ignore[return-value]


def _value(values: Any, place: Stored) -> np.ndarray:
    if place.part:
        return np.asarray(values.read_part(place.key, place.part))
    return np.asarray(values.read(place.key))
