"""From the contributions of the ops to each variable's gradients, norms, or clipped sum."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfinspect.probe.gradients import products
from tfinspect.probe.gradients.contribution import joined, squared
from tfinspect.probe.gradients.graph import NO_PATH, Differentiated, Part

Tensor = Any


def parts_of(graph: Differentiated, name: str) -> list[Part]:
    """Returns the contributions to one variable."""
    return [part for part in graph.parts if name in part.site.names]


def rules(graph: Differentiated, variables: Mapping[str, Any], fallback: str) -> dict[str, str]:
    """Says by which rule each variable's gradients are computed, or by which fallback and why."""
    said = {}
    for name in variables:
        found = list(dict.fromkeys(part.contribution.rule for part in parts_of(graph, name)))
        if name in graph.others:
            said[name] = f"{fallback}: {graph.others[name]}"
        else:
            said[name] = " + ".join(found) or NO_PATH
    return said


def full(
    graph: Differentiated, variables: Mapping[str, Any], fallback: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Returns `[N, *shape]` of every variable."""
    return {name: _full(graph, name, one, fallback) for name, one in variables.items()}


def _full(
    graph: Differentiated, name: str, variable: Any, fallback: Mapping[str, Tensor]
) -> Tensor:
    if name in fallback:
        return fallback[name]
    shape = [graph.examples, *variable.shape]
    terms = [_through(part, variable) for part in parts_of(graph, name)]
    if not terms:
        return tf.zeros(shape, variable.dtype)
    return tf.reshape(terms[0] if len(terms) == 1 else tf.add_n(terms), shape)


def _through(part: Part, variable: Any) -> Tensor:
    """One contribution, taken from the parameter back to the variable."""
    blocks = part.made(part.contribution.blocks)
    if part.site.direct:
        return tf.cast(joined(blocks, variable.shape), variable.dtype)
    parameter = part.site.parameter
    gradients = tf.cast(joined(blocks, parameter.shape), parameter.dtype)

    def one(gradient: Tensor) -> Tensor:
        found = tf.gradients(parameter, variable, gradient)[0]
        return tf.zeros(variable.shape, variable.dtype) if found is None else tf.identity(found)

    return tf.vectorized_map(one, gradients)


def norms(
    graph: Differentiated, variables: Mapping[str, Any], fallback: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Returns the norms of every variable, float32 `[N]`; no more than needed is put together."""
    return {name: tf.sqrt(_squared(graph, name, one, fallback)) for name, one in variables.items()}


def _squared(
    graph: Differentiated, name: str, variable: Any, fallback: Mapping[str, Tensor]
) -> Tensor:
    parts = parts_of(graph, name)
    if name not in fallback and parts and all(part.site.direct for part in parts):
        if products.cheaper([part.contribution for part in parts]):
            return products.squared(parts)
        if len(parts) == 1:
            return squared(parts[0].made(parts[0].contribution.blocks))
    return squared([_full(graph, name, variable, fallback)])
