"""Variables of live objects as entries: graphs, concrete functions, networks, Keras models."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tfinspect import live_graph, live_keras
from tfinspect.artifacts.dtypes import element_bytes
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

# What TensorFlow 2 has as properties of these names, TensorFlow 1 had as collections.
_ALL, _TRAINABLE = "variables", "trainable_variables"


def live_variables(obj: Any) -> list[VariableEntry]:
    """Lists the variables of a live object under the names its saved files have.

    Args:
      obj: a `tf.Graph` or a session; a concrete function or its graph; a `Model` or `SlimModel` of
        this package; a `tf_keras` or Keras 3 model; anything else with `variables`.

    Raises:
      ArtifactError: it has no variables to list.
    """
    by_name = getattr(obj, "variables_by_name", None)
    held = by_name() if callable(by_name) else getattr(obj, "variables", None)
    if isinstance(held, Mapping):
        return _entries(held.items(), {id(one) for one in held.values() if one.trainable})
    if live_keras.is_keras_model(obj):
        return _of_keras(obj)
    graph = obj if hasattr(obj, "as_graph_def") else getattr(obj, "graph", None)
    if held is None and hasattr(graph, "as_graph_def"):
        declared = live_graph.as_meta_graph(graph).variables
        return list(declared or live_graph.as_artifact(graph).variables)
    if held is None or callable(held):
        raise ArtifactError(
            f"a {type(obj).__name__} has no variables; give a path, a tf.Graph, a concrete "
            "function (`f.get_concrete_function(...)`) or a Keras model."
        )
    named = [(live_keras.path_of(variable), variable) for variable in held]
    trainable = getattr(obj, "trainable_variables", ())
    return _entries(_told_apart(named), {id(variable) for variable in trainable})


def _of_keras(model: Any) -> list[VariableEntry]:
    trainable = {id(weight) for weight in model.trainable_weights}
    entries = _entries(_told_apart(live_keras.named_weights(model)), trainable)
    state = live_keras.optimizer_variables(model)
    slots = [_entry(name, variable, None) for name, variable in _told_apart(state)]
    return entries + [replace(entry, slot=True) for entry in slots]


def _told_apart(named: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Numbers the second and further variables of one name, as TensorFlow does with ops."""
    seen: Counter[str] = Counter()
    found = []
    for name, variable in named:
        found.append((f"{name}_{seen[name]}" if seen[name] else name, variable))
        seen[name] += 1
    return found


def _entries(named: Iterable[tuple[str, Any]], trainable: set[int]) -> list[VariableEntry]:
    return [_entry(name, variable, id(variable) in trainable) for name, variable in named]


def _entry(name: str, variable: Any, trainable: bool | None) -> VariableEntry:
    known = all(isinstance(size, int) for size in variable.shape)
    shape = tuple(variable.shape) if known else None
    dtype = str(getattr(variable.dtype, "name", variable.dtype))
    elements = math.prod(shape) if shape is not None else 0
    return VariableEntry(
        name=name,
        shape=shape,
        dtype=dtype,
        parameters=elements,
        bytes=elements * element_bytes(dtype),
        trainable=trainable,
        collections=(_TRAINABLE, _ALL) if trainable else () if trainable is None else (_ALL,),
        key=live_keras.path_of(variable),
    )
