"""Keras's own files: every array bit for bit what the model held, under the variable's name."""

import hashlib
import json

import pytest
from oracle_files import KERAS3, TF_KERAS

from tfinspect.artifacts import open_artifact

FILES = [
    KERAS3 / "model.h5",
    KERAS3 / "model.weights.h5",
    KERAS3 / "model.keras",
    TF_KERAS / "model.h5",
    TF_KERAS / "legacy_weights.h5",
    TF_KERAS / "model.keras",
    TF_KERAS / "model.weights.h5",
]


def _id(path):
    return f"{path.parent.name}-{path.name}"


def _expected(path):
    described = json.loads((path.parent / "expected.json").read_text())
    return {array["path"]: array for array in described["files"][path.name]["datasets"]}


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_every_array_is_read_bit_for_bit(path):
    artifact, expected = open_artifact(path), _expected(path)
    assert {entry.key for entry in artifact.variables} == set(expected)
    for entry in artifact.variables:
        array = expected[entry.key]
        assert (list(entry.shape), entry.dtype) == (array["shape"], array["dtype"])
        value = artifact.read(entry.name)
        assert hashlib.sha256(value.tobytes()).hexdigest() == array["sha256"], entry.name


@pytest.mark.parametrize("path", FILES[:-1], ids=_id)
def test_variables_have_the_names_they_had_in_the_model(path):
    expected = _expected(path)
    for entry in open_artifact(path).variables:
        name = expected[entry.key].get("variable")
        assert entry.name == name or entry.slot or entry.key.startswith("metrics/"), entry.key


@pytest.mark.parametrize("path", [file for file in FILES if "weights" not in file.name], ids=_id)
def test_moving_statistics_alone_are_not_trainable(path):
    trainable = {
        entry.name: entry.trainable
        for entry in open_artifact(path).variables
        if not (entry.slot or entry.key.startswith("metrics/"))
    }
    frozen = {name for name, trained in trainable.items() if not trained}
    assert frozen == {"bn1/moving_mean", "bn1/moving_variance"}
    assert None not in trainable.values()


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_optimizer_variables_are_slots(path):
    for entry in open_artifact(path).variables:
        assert entry.slot == entry.key.startswith(("optimizer/", "optimizer_weights/"))
        assert entry.slot == entry.name.startswith("optimizer/")
