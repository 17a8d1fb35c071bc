"""Every artifact that the contract over readers is checked on: its kind, and how to come by it.

A case's `make` is a function from a directory to a path and name -> value, of which nothing is
known for reference files; these lie in tests/oracle, and other tests know what is in them.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow_files as made
from graph_files import (
    FROZEN,
    GRAPH,
    GRAPH_TEXT,
    META_GRAPH,
    TF1_SAVED_MODEL,
    TF2_SAVED_MODEL,
)
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS


@dataclass(frozen=True)
class Case:
    """One artifact.

    Attributes:
      format: the row of `detect.FORMATS` that opens it.
      kind: what the artifact calls itself.
      make: see the module.
      valued: whether its variables have values.
    """

    format: str
    kind: str
    make: Callable[[Path], tuple[str, Mapping[str, np.ndarray]]]
    valued: bool = True


V1, V2, OBJECTS = "V1 checkpoint", "V2 checkpoint", "object-based V2 checkpoint"
H5, ARCHIVE, SHARDS = "HDF5 file", "Keras archive", "Keras sharded weights"
MODEL_H5, WEIGHTS_H5 = "Keras HDF5 model", "Keras HDF5 weights"
GRAPH_DEF, META, SAVED = "GraphDef", "MetaGraph", "SavedModel"


def _reference(path: Path) -> Callable[[Path], tuple[str, Mapping[str, np.ndarray]]]:
    return lambda directory: (str(path), {})


def _keras(package: str, name: str, **options: float) -> Callable:
    return functools.partial(made.keras_file, package=package, name=name, **options)


REFERENCE = {
    "v1-tf1.15": Case(V1, V1, _reference(CKPT_V1)),
    "v2-tf1.15": Case(V2, V2, _reference(CKPT_V2)),
    "object-based": Case(V2, OBJECTS, _reference(OBJECT_BASED)),
    "h5-keras3": Case(H5, MODEL_H5, _reference(KERAS3 / "model.h5")),
    "h5-tf_keras": Case(H5, MODEL_H5, _reference(TF_KERAS / "model.h5")),
    "legacy-weights-h5": Case(H5, WEIGHTS_H5, _reference(TF_KERAS / "legacy_weights.h5")),
    "weights-h5-keras3": Case(H5, WEIGHTS_H5, _reference(KERAS3 / "model.weights.h5")),
    "weights-h5-tf_keras": Case(H5, WEIGHTS_H5, _reference(TF_KERAS / "model.weights.h5")),
    "archive-keras3": Case(ARCHIVE, ARCHIVE, _reference(KERAS3 / "model.keras")),
    "archive-tf_keras": Case(ARCHIVE, ARCHIVE, _reference(TF_KERAS / "model.keras")),
    "graph-tf1.15": Case(GRAPH_DEF, GRAPH_DEF, _reference(GRAPH), valued=False),
    "graph-text-tf1.15": Case(
        GRAPH_DEF, f"{GRAPH_DEF} (text)", _reference(GRAPH_TEXT), valued=False
    ),
    "frozen-tf1.15": Case(GRAPH_DEF, GRAPH_DEF, _reference(FROZEN)),
    "meta-tf1.15": Case(META, META, _reference(META_GRAPH), valued=False),
    "saved-model-tf1.15": Case(SAVED, f"TF1 {SAVED}", _reference(TF1_SAVED_MODEL)),
    "saved-model-keras": Case(SAVED, f"TF2 {SAVED}", _reference(TF2_SAVED_MODEL)),
}
WRITTEN = {
    "v1": Case(V1, V1, made.v1_single),
    "v1-sharded": Case(V1, V1, made.v1_sharded),
    "v2": Case(V2, V2, made.v2),
    "v2-sharded": Case(V2, V2, made.v2_sharded),
    "objects": Case(V2, OBJECTS, made.object_based),
    "run": Case("run directory", V2, made.run_directory),
    "graph": Case(GRAPH_DEF, GRAPH_DEF, made.graph_def, valued=False),
    "graph-text": Case(GRAPH_DEF, f"{GRAPH_DEF} (text)", made.graph_text, valued=False),
    "frozen": Case(GRAPH_DEF, GRAPH_DEF, made.frozen),
    "meta": Case(META, META, made.meta_graph, valued=False),
    "saved-model-1": Case(SAVED, f"TF1 {SAVED}", made.tf1_saved_model),
    "saved-model-2": Case(SAVED, f"TF2 {SAVED}", made.tf2_saved_model),
    "keras3": Case(ARCHIVE, ARCHIVE, _keras("keras", "m.keras")),
    "tf_keras": Case(ARCHIVE, ARCHIVE, _keras("tf_keras", "m.keras")),
    "h5": Case(H5, MODEL_H5, _keras("tf_keras", "m.h5")),
    "weights-h5": Case(H5, WEIGHTS_H5, _keras("keras", "m.weights.h5")),
    "shards": Case(
        SHARDS, SHARDS, _keras("keras", "m.weights.json", max_shard_size=1500 / 1024**3)
    ),
}
CASES = REFERENCE | WRITTEN
