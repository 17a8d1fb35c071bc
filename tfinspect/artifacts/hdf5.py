"""HDF5 files of Keras 1 to 3: whole models and weights (`.h5`, `.hdf5`, `.weights.h5`)."""

import json
import math
import os
from collections.abc import Mapping
from functools import cached_property
from typing import IO, TYPE_CHECKING

from tfinspect.artifacts.artifact import Artifact, Index
from tfinspect.artifacts.dtypes import element_bytes
from tfinspect.artifacts.hdf5_layout import StoredArray
from tfinspect.artifacts.hdf5_tree import Tree, first_line, read_tree
from tfinspect.artifacts.hdf5_values import value_of
from tfinspect.artifacts.keras_layers import Layer, layers_of
from tfinspect.artifacts.keras_names import KerasName, named_arrays
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

_OLD_CONTAINER = "_layer_checkpoint_dependencies"


def open_hdf5(path: str) -> "Hdf5":
    """Opens an HDF5 file.

    Raises:
      ArtifactError: it is broken.
    """
    with open(path, "rb") as stream:
        tree = tree_of(path, stream, 0, os.path.getsize(path))
    root = tree.groups.get("", {})
    config, version = root.get("model_config", ""), root.get("keras_version", "")
    artifact = Hdf5(path, _kind(tree), tree)
    artifact.describe(config if isinstance(config, str) else "", str(version))
    return artifact


def _kind(tree: Tree) -> str:
    if "model_config" in tree.groups.get("", {}):
        return "Keras HDF5 model"
    listed = any(
        name.startswith("weight_names") for found in tree.groups.values() for name in found
    )
    numbered = any(path.split("/")[-1] == "vars" for path in tree.groups)
    return "Keras HDF5 weights" if listed or numbered else "HDF5 file"


def tree_of(path: str, stream: IO[bytes], base: int, size: int) -> Tree:
    """Reads the headers of an HDF5 file; see `read_tree`.

    Raises:
      ArtifactError: it is broken, in whatever way.
    """
    try:
        return read_tree(stream, base, size)
    except Exception as error:  # h5py raises errors of all kinds over broken headers.
        raise ArtifactError(
            f"'{path}' is no readable HDF5 file: {first_line(error)}; "
            "get it again from where it came."
        ) from error


class Hdf5(Artifact):
    """An HDF5 file, alone or inside another file.

    Attributes:
      layers: group's path -> layer, where a config tells.
    """

    def __init__(self, path: str, kind: str, tree: Tree) -> None:
        super().__init__(path, kind)
        self.tree = tree
        self.layers: Mapping[str, Layer] = {}
        self._keras3 = False
        self._problems = list(tree.problems)

    def describe(self, config: str | bytes, keras_version: str) -> None:
        """Takes in the model's config, a JSON text that may be empty; nothing in it is run."""
        self._keras3 = keras_version.startswith("3")
        old = any(_OLD_CONTAINER in path.split("/") for path in self.tree.groups)
        try:
            parsed = json.loads(config) if config else {}
            self.layers = layers_of(parsed, _OLD_CONTAINER if old else "layers")
        except (ValueError, RecursionError) as error:
            self._problems.append(
                f"The model's config in '{self.path}' cannot be read ({error}): names are made "
                "from the groups."
            )

    @cached_property
    def _named(self) -> list[KerasName]:
        return named_arrays(self.tree, self.layers, keras3=self._keras3)

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """Every array, in the order of the layers; optimizer slots marked."""
        return tuple(_entry(named, self.tree.arrays[named.path]) for named in self._named)

    @cached_property
    def layer_classes(self) -> Mapping[str, str]:
        """Variable -> class of its layer, as far as the config or the groups' names tell."""
        return {named.name: named.layer for named in self._named if named.layer}

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What cannot be listed or read."""
        return (*self._problems, *self._unreadable_notes())

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says what is wrong with how the dataset is stored."""
        return f"'{entry.name}' in '{self.path}' {self.tree.arrays[entry.key].problem}."

    def source(self, key: str) -> tuple[str | IO[bytes], int]:
        """Returns the file that holds the HDF5 file with an array, and at which offset."""
        del key
        return self.path, 0

    def _mapped(self, entry: VariableEntry, index: Index = ...) -> "np.ndarray":
        source, base = self.source(entry.key)
        try:
            return value_of(self.tree.arrays[entry.key], source, base, index)
        except (OSError, ValueError, OverflowError) as error:
            raise ArtifactError(
                f"'{entry.name}' in '{self.path}' cannot be read: {error}; "
                "get the file again from where it came."
            ) from error

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        return self._mapped(entry)

    def _read_part(self, entry: VariableEntry, index: Index) -> "np.ndarray":
        import numpy as np

        return np.array(self._mapped(entry, index))


def _entry(named: KerasName, array: StoredArray) -> VariableEntry:
    elements = math.prod(array.shape)
    size = element_bytes(array.dtype)
    if array.layout is not None:
        size = array.layout.itemsize
    return VariableEntry(
        name=named.name,
        shape=array.shape,
        dtype=array.dtype,
        parameters=elements,
        bytes=elements * size,
        trainable=named.trainable,
        slot=named.slot,
        key=named.path,
        readable=array.problem is None,
    )
