"""Variables of live objects as entries: graphs, concrete functions, networks, Keras models."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
    named = named_variables(obj)
    if named is not None:
        trainable = _trainable(obj)
        return [_entry(name, one, trainable(one)) for name, one in named] + _slots(obj)
    graph = obj if hasattr(obj, "as_graph_def") else getattr(obj, "graph", None)
    if hasattr(graph, "as_graph_def"):
        declared = live_graph.as_meta_graph(graph).variables
        return list(declared or live_graph.as_artifact(graph).variables)
    raise ArtifactError(
        f"a {type(obj).__name__} has no variables; give a path, a tf.Graph, a concrete "
        "function (`f.get_concrete_function(...)`) or a Keras model."
    )


def named_variables(obj: Any) -> list[tuple[str, Any]] | None:
    """Returns (name, variable) of an object that holds variables itself; None for others.

    Optimizer slots are left out.
    """
    by_name = getattr(obj, "variables_by_name", None)
    held = by_name() if callable(by_name) else getattr(obj, "variables", None)
    if isinstance(held, Mapping):
        return list(held.items())
    if live_keras.is_keras_model(obj):
        return _told_apart(live_keras.named_weights(obj))
    if held is None or callable(held):
        return None
    return _told_apart((live_keras.path_of(variable), variable) for variable in held)


def _trainable(obj: Any) -> Callable[[Any], bool]:
    """Returns what tells a trainable variable of an object: a frozen layer's is none."""
    held = getattr(obj, "trainable_variables", None)
    if held is None or callable(held):
        return lambda variable: bool(variable.trainable)
    trainable = {id(variable) for variable in held}
    return lambda variable: id(variable) in trainable


def _slots(obj: Any) -> list[VariableEntry]:
    if not live_keras.is_keras_model(obj):
        return []
    state = _told_apart(live_keras.optimizer_variables(obj))
    return [replace(_entry(name, variable, None), slot=True) for name, variable in state]


def _told_apart(named: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Numbers the second and further variables of one name, as TensorFlow does with ops."""
    seen: Counter[str] = Counter()
    found = []
    for name, variable in named:
        found.append((f"{name}_{seen[name]}" if seen[name] else name, variable))
        seen[name] += 1
    return found


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
