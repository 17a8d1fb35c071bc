"""Names for the arrays of Keras's HDF5 files: from `weight_names`, or from groups and layers.

Sources: `keras/src/legacy/saving/legacy_h5_format.py` (Keras 1 to 3, `.h5`) and
`keras/src/saving/saving_lib.py` (`.weights.h5` and `.keras`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tfinspect.artifacts.hdf5_layout import StoredArray
from tfinspect.artifacts.hdf5_tree import Tree
from tfinspect.artifacts.keras_chains import LayerChains
from tfinspect.artifacts.keras_layers import Layer, kind_of_group, variable_names
from tfinspect.artifacts.unique_names import unique_names

_OUTPUT = re.compile(r":\d+$")
_WEIGHTS, _OPTIMIZER, _TOP = "model_weights", "optimizer_weights", "top_level_model_weights"
_VARS = "vars"


@dataclass(frozen=True)
class KerasName:
    """What an array is called.

    Attributes:
      path: of the array in the file.
      name: readable, with scopes; unique in the file.
      slot: whether it belongs to the optimizer.
      trainable: None where the file does not say.
      layer: class of the layer that it belongs to, in Keras's snake case; empty where the file does
        not say.
    """

    path: str
    name: str
    slot: bool = False
    trainable: bool | None = None
    layer: str = ""


def named_arrays(tree: Tree, layers: Mapping[str, Layer], *, keras3: bool) -> list[KerasName]:
    """Names every array of a file.

    Args:
      tree: the file.
      layers: group's path -> layer, as far as a config tells.
      keras3: whether Keras 3 wrote the file.
    """
    listed: dict[str, KerasName] = {}
    for named in _listed(tree, layers):
        listed.setdefault(named.path, named)
    scopes = _Scopes(tree, layers, keras3=keras3)
    rest = [path for path in tree.arrays if path not in listed]
    found = [*listed.values(), *scopes.named(rest)]
    unique = unique_names({named.path: (named.name,) for named in found})
    return [replace(named, name=unique[named.path]) for named in found]


def _texts(attributes: Mapping[str, object], name: str) -> Iterator[str]:
    """Yields the items of a list attribute, which may be split over `name0`, `name1`, …."""
    parts = [name] if name in attributes else []
    while name not in parts and f"{name}{len(parts)}" in attributes:
        parts.append(f"{name}{len(parts)}")
    for part in parts:
        value = attributes[part]
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _listed(tree: Tree, layers: Mapping[str, Layer]) -> Iterator[KerasName]:
    """Yields the arrays that `weight_names` list, in the order of the layers."""
    root = _WEIGHTS if _WEIGHTS in tree.groups else ""
    chains = LayerChains(layers)
    for layer in [*_texts(tree.groups.get(root, {}), "layer_names"), _TOP]:
        for path, name in _weights(tree, _join(root, layer)):
            scope, _, weight = name.rpartition("/")
            if layer != _TOP:
                scope = chains.scope(layer.strip("/"), scope, weight)
            trained = chains.trained(scope, weight)
            owner = chains.owner(scope)
            kind = "" if owner is None else owner.kind
            yield KerasName(path, _join(scope, weight), False, trained, kind)
    for path, name in _weights(tree, _OPTIMIZER):
        yield KerasName(path, _join("optimizer", name), True)


def _weights(tree: Tree, group: str) -> Iterator[tuple[str, str]]:
    for name in _texts(tree.groups.get(group, {}), "weight_names"):
        path = _join(group, name)
        if path in tree.arrays:
            yield path, _OUTPUT.sub("", name)


class _Scopes:
    """Names by groups: those in their attribute `name`, in the config, or of the group itself."""

    def __init__(self, tree: Tree, layers: Mapping[str, Layer], *, keras3: bool) -> None:
        self._tree = tree
        self._layers = layers
        self._chains = LayerChains(layers)
        told = any("name" in found for found in tree.groups.values())
        self._keras3 = keras3 or told

    def named(self, paths: Iterable[str]) -> Iterator[KerasName]:
        """Yields the names of arrays, layers in the config's order."""
        owners: dict[str, list[str]] = {owner: [] for owner in self._layers}
        for path in paths:
            owners.setdefault(_owner(path), []).append(path)
        for owner, owned in owners.items():
            yield from self._owned(owner, owned)

    def _owned(self, owner: str, paths: list[str]) -> Iterator[KerasName]:
        slot = owner.split("/")[0] in ("optimizer", _OPTIMIZER)
        if slot:
            scope = _join("optimizer", self._scope(owner).partition("/")[2])
        else:
            scope = self._scope(owner)
        arrays = [self._tree.arrays[path] for path in paths]
        names = self._variables(owner, arrays)
        kind = "" if slot else self._kind(owner)
        for path, (name, trainable) in zip(paths, names, strict=True):
            yield KerasName(path, _join(scope, name), slot, None if slot else trainable, kind)

    def _group_name(self, owner: str) -> str:
        name = self._tree.groups.get(_join(owner, _VARS), {}).get("name")
        if isinstance(name, str) and name:
            return name
        return self._layers[owner].name if owner in self._layers else ""

    def _scope(self, owner: str) -> str:
        parts = owner.split("/") if owner else []
        scope: list[str] = []
        # What is named stands in place of its container and group: `layers/conv2d` -> `conv1`.
        unnamed: list[str] = []
        for count, part in enumerate(parts, 1):
            name = self._group_name("/".join(parts[:count]))
            if name and parts[0] != "optimizer":
                scope, unnamed = [*scope, name], []
            else:
                unnamed.append(part)
        return "/".join(scope + unnamed)

    def _layer(self, owner: str) -> Layer | None:
        told = self._tree.groups.get(_join(owner, _VARS), {}).get("name")
        layer = self._layers.get(owner)
        if layer is not None and told in (None, layer.name):
            return layer
        return self._chains.named(told) if isinstance(told, str) else None

    def _kind(self, owner: str) -> str:
        """Returns the layer's class, or the one that a group's or the layer's name stands for."""
        layer = self._layer(owner)
        if layer is not None:
            return layer.kind
        return kind_of_group(owner) or kind_of_group(self._group_name(owner))

    def _variables(self, owner: str, arrays: list[StoredArray]) -> list[tuple[str, bool | None]]:
        keys = [array.path.rpartition("/")[2] for array in arrays]
        layer = self._layer(owner)
        known = None
        if keys == [str(number) for number in range(len(keys))]:
            known = variable_names(
                self._kind(owner),
                [array.shape for array in arrays],
                None if layer is None else layer.settings,
                keras3=self._keras3,
            )
        if known is None:
            state = owner.split("/")[0] == "metrics"
            frozen = False if state or (layer is not None and not layer.trainable) else None
            return [(key, frozen) for key in keys]
        if layer is None:
            return [(name, None) for name, _ in known]
        return [(name, trained and layer.trainable) for name, trained in known]


def _owner(path: str) -> str:
    group, _, _ = path.rpartition("/")
    return group.removesuffix(_VARS).rstrip("/") if group.split("/")[-1] == _VARS else group
