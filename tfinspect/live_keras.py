"""Variables of live Keras models under the names that their saved files are listed with.

A name is the chain of the layers' names from below the model down, then the variable's own:
`encoder/attention/query/kernel`. Keras's own paths depend on how and when a model was built.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any


def is_keras_model(obj: Any) -> bool:
    """Tells a `tf_keras` or Keras 3 model or layer from other objects."""
    return hasattr(obj, "_flatten_layers") and hasattr(obj, "trainable_weights")


def named_weights(model: Any) -> list[tuple[str, Any]]:
    """Returns (name, variable) of every weight, in the order of the layers."""
    found = [(_join(scope, _own_name(weight)), weight) for scope, weight in _placed(model)]
    counts = Counter(name for name, _ in found)
    # Layers of one name in a custom layer: Keras's own path may tell them apart.
    return [(name if counts[name] == 1 else path_of(weight), weight) for name, weight in found]


def optimizer_variables(model: Any) -> list[tuple[str, Any]]:
    """Returns (name, variable) of the optimizer's state; empty for a model without optimizer."""
    held = getattr(getattr(model, "optimizer", None), "variables", ())
    variables = held() if callable(held) else held
    return [(_join("optimizer", path_of(variable)), variable) for variable in variables]


def path_of(variable: Any) -> str:
    """Returns Keras 3's path of a variable, or TensorFlow's name without `:0`."""
    path: str = getattr(variable, "path", None) or variable.name
    return path.removesuffix(":0")


def _own_name(variable: Any) -> str:
    return path_of(variable).rpartition("/")[2]


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _placed(model: Any) -> Iterator[tuple[str, Any]]:
    """Yields (scope, weight) once a weight: a layer's own, then those of the layers in it."""
    seen: set[int] = set()
    waiting = [("", model)]
    while waiting:
        scope, layer = waiting.pop()
        if id(layer) in seen:
            continue
        held = _children(layer)
        seen.add(id(layer))
        inner = {id(weight) for child in held for weight in child.weights}
        own = [weight for weight in layer.weights if id(weight) not in seen | inner]
        yield from ((scope, weight) for weight in own)
        seen |= {id(weight) for weight in own}
        waiting += [(_join(scope, child.name), child) for child in reversed(held)]


def _children(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False))
