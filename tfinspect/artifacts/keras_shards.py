"""Sharded weights of Keras 3: a `.weights.json` that names `.weights.h5` files beside it.

Source: `ShardedH5IOStore` in `keras/src/saving/saving_lib.py`.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import IO, Any

from tfinspect.artifacts.hdf5 import Hdf5, tree_of
from tfinspect.artifacts.hdf5_tree import Tree
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

_MOST_TEXT = 16 << 20


def open_keras_shards(path: str) -> "KerasShards":
    """Opens a `.weights.json` file and the shards that it names.

    Raises:
      ArtifactError: it is no such file, names other places, a shard is broken, or two shards hold
        the same array.
    """
    return KerasShards(path, sorted(set(_shard_names(path, _weight_map(path)))))


def _weight_map(path: str) -> dict[str, Any]:
    with open(path, "rb") as stream:
        text = stream.read(_MOST_TEXT + 1)
    try:
        if len(text) > _MOST_TEXT:
            raise ValueError(f"it has more than {_MOST_TEXT:,} bytes")
        parsed = json.loads(text)
        found = parsed.get("weight_map") if isinstance(parsed, dict) else None
        if not isinstance(found, dict):
            raise ValueError("it has no 'weight_map'")
    except (ValueError, RecursionError) as error:
        raise ArtifactError(
            f"'{path}' is no index of Keras's sharded weights: {error}; give another file."
        ) from error
    return found


def _shard_names(path: str, weight_map: dict[str, Any]) -> Iterator[str]:
    for held in weight_map.values():
        for name in held if isinstance(held, list) else [held]:
            if not isinstance(name, str) or os.path.basename(name) != name or not name:
                raise ArtifactError(
                    f"'{path}' names the shard {name!r}, which is no file beside it; "
                    "get the file again from where it came."
                )
            yield name


class KerasShards(Hdf5):
    """Weights in several HDF5 files."""

    def __init__(self, path: str, names: list[str]) -> None:
        directory = os.path.dirname(path)
        places = {name: os.path.join(directory, name) for name in names}
        missing = [name for name in names if not os.path.isfile(places[name])]
        merged = Tree()
        # Path of an array -> name of the shard that holds it.
        self._holders: dict[str, str] = {}
        for name in names:
            if name not in missing:
                self._add(merged, name, places[name])
        super().__init__(path, "Keras sharded weights", merged)
        self._places = places
        self.describe("", "3")
        if missing:
            self._problems.append(
                f"{len(missing):,} of {len(names):,} shards are missing, first '{missing[0]}'; "
                "what they hold is not listed."
            )

    def _add(self, merged: Tree, name: str, place: str) -> None:
        with open(place, "rb") as stream:
            tree = tree_of(place, stream, 0, os.path.getsize(place))
        for group, attributes in tree.groups.items():
            merged.groups.setdefault(group, {}).update(attributes)
        doubled = next((path for path in tree.arrays if path in merged.arrays), None)
        if doubled is not None:
            raise ArtifactError(
                f"'{place}' and '{self._holders[doubled]}' both hold '{doubled}': these are not "
                "the shards of one model; save them again under a name of their own."
            )
        merged.arrays.update(tree.arrays)
        merged.problems += tree.problems
        self._holders.update(dict.fromkeys(tree.arrays, name))

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """Every array of every shard."""
        return tuple(replace(entry, shard=self._holders[entry.key]) for entry in super().variables)

    def source(self, key: str) -> tuple[str | IO[bytes], int]:
        """Returns the shard that holds an array."""
        return self._places[self._holders[key]], 0
