"""SavedModels of TensorFlow 1 and 2: graph, functions, signatures, assets and variables.

Sources: `tensorflow/core/protobuf/saved_model.proto`, `saved_object_graph.proto`.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto import saved_object_graph_pb2

from tfinspect.artifacts.artifact import Artifact, Index
from tfinspect.artifacts.bundle import open_bundle
from tfinspect.artifacts.collection_items import AssetDef
from tfinspect.artifacts.graph_file import SAVED_MODEL, GraphFile, read_graph_file
from tfinspect.artifacts.graph_proto import Range, messages
from tfinspect.artifacts.meta_graph import MetaGraph
from tfinspect.artifacts.saved_objects import SavedObjects, own_names, stored_twice
from tfinspect.artifacts.variable_defs import TRAINABLE
from tfinspect.artifacts.wire import WireError
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

_META_GRAPHS = 2
_OBJECT_GRAPH = 7
_SERVE = "serve"
_GRAPH_FILES = ("saved_model.pb", "saved_model.pbtxt")
_INIT_SIGNATURES = ("__saved_model_init_op", "__saved_model_train_op")


def open_saved_model(directory: str) -> "SavedModel":
    """Opens the SavedModel in a directory: the graph with the tag `serve`, or the first one.

    Raises:
      ArtifactError: its graph file is broken, holds no graph, or is written in chunks.
    """
    paths = [os.path.join(directory, name) for name in _GRAPH_FILES]
    path = next((path for path in paths if os.path.isfile(path)), None)
    if path is None:
        raise ArtifactError(
            f"the graph of '{directory}' is written in chunks ('saved_model.cpb'), which cannot be "
            "read here; save it again with `experimental_image_format=False`, or list its "
            f"variables from '{os.path.join(directory, 'variables', 'variables')}'."
        )
    file = read_graph_file(path)
    if file.message != SAVED_MODEL:
        raise ArtifactError(
            f"'{file.path}' is a {file.message}, no SavedModel; give it another name, such as "
            "'graph.pb' or 'model.meta', and open it by that."
        )
    return SavedModel(directory, file, _meta_graphs(file))


def _meta_graphs(file: GraphFile) -> list[Range]:
    try:
        found = messages(file.data, [(0, len(file.data))], _META_GRAPHS)
    except WireError as error:
        raise ArtifactError(
            f"'{file.path}' is broken: {error}; get the file again from where it came."
        ) from error
    if not found:
        raise ArtifactError(f"'{file.path}' is a SavedModel without any graph; save it again.")
    return found


def _key(entry: VariableEntry) -> str:
    """Returns what a variable is called in the checkpoint."""
    return entry.key or entry.name


class SavedModel(MetaGraph):
    """A SavedModel: one of its graphs, and the variables that all of them share.

    Attributes:
      tag_sets: the tags of every graph in it.
    """

    def __init__(self, directory: str, file: GraphFile, graphs: list[Range]) -> None:
        held = [MetaGraph(file.path, "MetaGraph", file, [place]) for place in graphs]
        self.tag_sets = tuple(graph.tags for graph in held)
        chosen = next((n for n, tags in enumerate(self.tag_sets) if tags == (_SERVE,)), None)
        if chosen is None:
            chosen = next((n for n, tags in enumerate(self.tag_sets) if _SERVE in tags), 0)
        super().__init__(directory, "SavedModel", file, [graphs[chosen]])
        self._chosen = chosen
        version = 2 if self.parts(_OBJECT_GRAPH) else 1
        self.kind = self.kind.replace("SavedModel", f"TF{version} SavedModel")

    @cached_property
    def bundle(self) -> Artifact | None:
        """The checkpoint with the values; None for a model without variables."""
        prefix = os.path.join(self.path, "variables", "variables")
        return open_bundle(prefix) if os.path.isfile(f"{prefix}.index") else None

    @cached_property
    def signatures(self) -> Mapping[str, Any]:
        """Signature name -> its inputs and outputs, without those that only initialize."""
        found = super().signatures
        return {name: found[name] for name in found if name not in _INIT_SIGNATURES}

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """Paths of the files that the graph reads, below the SavedModel's directory."""
        # Not `super().assets`: a cached property keeps its value under the name of this one.
        listed = self._asset_names() or self._objects.assets
        collected = self.collections.get("saved_model_assets", ())
        names = [*listed, *(item.filename for item in collected if isinstance(item, AssetDef))]
        plain = dict.fromkeys(name.removeprefix("assets/") for name in names)
        return tuple(f"assets/{name}" for name in plain)

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """The variables of the checkpoint, with what the graph knows of them."""
        if self.bundle is None:
            return super().variables
        trainable = self._trainable
        held = self.collections_of_variables
        names = own_names(self.bundle.variables, self._objects.names)
        return tuple(
            replace(
                entry,
                name=name,
                trainable=trainable.get(entry.key),
                collections=held.get(entry.name, ()),
            )
            for name, entry in zip(names, self.bundle.variables, strict=True)
        )

    @cached_property
    def layer_classes(self) -> Mapping[str, str]:
        """Variable -> class of its layer, as far as the ops of graph and functions tell."""
        found: dict[str, str] = {}
        for function, bound in self._objects.bound.items():
            layers = self.kernel_users.of_arguments(function)
            for layer, keys in zip(layers[len(layers) - len(bound) :], bound, strict=False):
                found |= dict.fromkeys(keys, layer) if layer else {}
        names = self._objects.names
        # Of two copies of a variable the functions use one.
        of_own = {names[key]: layer for key, layer in found.items() if key in names}
        of_keys = {
            entry.name: found.get(entry.key or "") or of_own.get(names.get(entry.key or "", ""))
            for entry in self.variables
        }
        # Not `super().layer_classes`: a cached property keeps its value under the name of this one.
        return self.kernel_users.of_main() | {name: one for name, one in of_keys.items() if one}

    @cached_property
    def _trainable(self) -> Mapping[str, bool]:
        """Returns key in the checkpoint -> whether the variable is trainable."""
        if self._objects.trainable:
            return self._objects.trainable
        if TRAINABLE not in self.collections:
            return {}
        return {entry.name: bool(entry.trainable) for entry in super().variables}

    @cached_property
    def _objects(self) -> SavedObjects:
        message = self.parsed(saved_object_graph_pb2.SavedObjectGraph, self.parts(_OBJECT_GRAPH))
        files = [os.path.basename(name) for name in self._asset_names()]
        return SavedObjects(message, files)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Other graphs, missing assets and variables, and what the checkpoint's reader says."""
        found = list(self.graph_notes)
        others = [tags for n, tags in enumerate(self.tag_sets) if n != self._chosen]
        if others:
            found.append(
                f"{len(others)} more graphs are in '{self.file.path}', with the tags "
                f"{', '.join(' '.join(tags) or '(none)' for tags in others)}; they are not listed."
            )
        missing = [
            name for name in self.assets if not os.path.isfile(os.path.join(self.path, name))
        ]
        if missing:
            found.append(f"{len(missing)} assets are missing, first '{missing[0]}'.")
        if self.bundle is not None:
            found += self.bundle.notes
            found += stored_twice(self.variables)
        elif super().variables:
            found.append(
                f"'{os.path.join(self.path, 'variables', 'variables.index')}' is missing: the "
                "variables are listed as the graph describes them, and cannot be read."
            )
        return tuple(found)

    def _in_bundle(self, entry: VariableEntry) -> bool:
        return self.bundle is not None and entry.key not in self.graph.constants

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        if self.bundle is not None and self._in_bundle(entry):
            return self.bundle.read(_key(entry))
        return super()._read(entry)

    def _read_part(self, entry: VariableEntry, index: Index) -> "np.ndarray":
        if self.bundle is not None and self._in_bundle(entry):
            return self.bundle.read_part(_key(entry), index)
        return super()._read_part(entry, index)

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says what its checkpoint's reader says."""
        if self.bundle is not None and self._in_bundle(entry):
            return self.bundle.why_unreadable(self.bundle.entry(_key(entry)))
        return super().why_unreadable(entry)

    def is_lost(self, entry: VariableEntry) -> bool:
        """Tells what its checkpoint's reader does; without a checkpoint, all variables are lost."""
        if self.bundle is None:
            return not entry.readable
        return self._in_bundle(entry) and self.bundle.is_lost(self.bundle.entry(_key(entry)))
