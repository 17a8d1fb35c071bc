"""Chains of layers' names, by which the variables of every Keras file are called.

What `weight_names` list depends on how a model was built: `top/body/conv/kernel`, `conv/kernel` or
`conv_1/kernel` for one variable. The chain from below the model down is the same in every file.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from tfinspect.artifacts.keras_layers import Layer, is_trainable, owns


class LayerChains:
    """The layers of a config, found by their chains and names.

    Args:
      layers: group's path -> layer, as far as a config tells.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self._by_scope = {layer.scope: layer for layer in layers.values()}
        self._scopes: dict[str, list[str]] = defaultdict(list)
        self._children: dict[str, list[str]] = defaultdict(list)
        for scope, layer in self._by_scope.items():
            self._scopes[layer.name].append(scope)
            self._children[scope.rpartition("/")[0]].append(scope)

    def named(self, name: str) -> Layer | None:
        """Returns the only layer of a name; None where there is none, or are several."""
        scopes = self._scopes.get(name, ())
        return self._by_scope[scopes[0]] if len(scopes) == 1 else None

    def scope(self, group: str, stored: str, weight: str) -> str:
        """Returns the chain of the layer that owns a weight.

        Args:
          group: name of the model's layer that the weight is listed under.
          stored: the scopes in the name that is listed; may be empty.
          weight: the last part of that name.
        """
        chain = _below(group, stored)
        if self._by_scope and chain not in self._by_scope:
            found = [
                scope
                for scope in self._scopes.get(chain.rpartition("/")[2], ())
                if scope.startswith(f"{group}/")
            ]
            chain = found[0] if len(found) == 1 else chain
        return self._wrapped(chain, weight)

    def _wrapped(self, chain: str, weight: str) -> str:
        """Goes on to the wrapped layer, whose weights Keras 2 lists as the wrapper's own."""
        children = self._children.get(chain, ())
        while len(children) == 1 and owns(self._by_scope[children[0]], weight):
            chain = children[0]
            children = self._children.get(chain, ())
        return chain

    def trained(self, scope: str, weight: str) -> bool | None:
        """Tells whether a weight is trained; None where no config says."""
        layer = self.owner(scope)
        return None if layer is None else is_trainable(layer, weight)

    def owner(self, scope: str) -> Layer | None:
        """Returns the innermost layer of a config that a scope stands in; None where none does."""
        while scope:
            layer = self._by_scope.get(scope) or self.named(scope.rpartition("/")[2])
            if layer is not None:
                return layer
            scope = scope.rpartition("/")[0]
        return None


def _below(group: str, stored: str) -> str:
    """Returns the scopes from a layer's name on.

    >>> _below("conv", "top/conv"), _below("body", "conv"), _below("conv", "conv_1")
    ('conv', 'body/conv', 'conv')
    """
    start = f"/{stored}/".find(f"/{group}/")
    if start >= 0:
        return stored[start:]
    # TensorFlow numbers the scope of a layer that is made a second time.
    numbered = re.search(rf"(?:^|/){re.escape(group)}_\d+(?=/|$)", stored)
    if numbered:
        return group + stored[numbered.end() :]
    return f"{group}/{stored}" if stored else group
