"""Every artifact that the contract over readers is checked on: its kind, and how to come by it.

A case is a function from a directory to a path; `reference` files lie in tests/oracle, the others
are written by TensorFlow when the test session starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS


@dataclass(frozen=True)
class Case:
    kind: str
    make: Callable[[Path], str]


def _reference(path: Path) -> Callable[[Path], str]:
    return lambda directory: str(path)


CASES = {
    "v1-tf1.15": Case("V1 checkpoint", _reference(CKPT_V1)),
    "v2-tf1.15": Case("V2 checkpoint", _reference(CKPT_V2)),
    "object-based": Case("object-based V2 checkpoint", _reference(OBJECT_BASED)),
    "h5-keras3": Case("Keras HDF5 model", _reference(KERAS3 / "model.h5")),
    "h5-tf_keras": Case("Keras HDF5 model", _reference(TF_KERAS / "model.h5")),
    "legacy-weights-h5": Case("Keras HDF5 weights", _reference(TF_KERAS / "legacy_weights.h5")),
    "weights-h5-keras3": Case("Keras HDF5 weights", _reference(KERAS3 / "model.weights.h5")),
    "weights-h5-tf_keras": Case("Keras HDF5 weights", _reference(TF_KERAS / "model.weights.h5")),
    "archive-keras3": Case("Keras archive", _reference(KERAS3 / "model.keras")),
    "archive-tf_keras": Case("Keras archive", _reference(TF_KERAS / "model.keras")),
}
