"""Sharded weights, as Keras 3 writes them."""

import json

import keras
import numpy as np
import pytest

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError


@pytest.fixture(scope="module")
def model():
    layers = [keras.Input((8,)), keras.layers.Dense(60, name="a"), keras.layers.Dense(2, name="b")]
    return keras.Sequential(layers)


@pytest.fixture
def path(model, tmp_path):
    path = tmp_path / "m.weights.json"
    model.save_weights(path, max_shard_size=2000 / 1024**3)
    return path


def test_variables_of_all_shards_are_read(model, path):
    artifact = open_artifact(path)
    assert artifact.kind == "Keras sharded weights"
    assert [entry.name for entry in artifact.variables] == [
        "a/kernel",
        "a/bias",
        "b/kernel",
        "b/bias",
    ]
    assert len({entry.shard for entry in artifact.variables}) == 2
    for weight in model.weights:
        np.testing.assert_array_equal(artifact.read("/".join(weight.path.split("/")[-2:])), weight)


def test_missing_shard_is_told(path):
    next(path.parent.glob("*_00001.weights.h5")).unlink()
    artifact = open_artifact(path)
    assert [entry.name for entry in artifact.variables] == ["a/kernel"]
    assert "1 of 2 shards are missing, first 'm_00001.weights.h5'" in artifact.notes[0]


def test_array_of_two_shards_is_refused(path):
    one, other = sorted(path.parent.glob("*.h5"))
    other.write_bytes(one.read_bytes())
    with pytest.raises(ArtifactError, match=rf"'{other}' and '{one.name}' both hold '.+'"):
        open_artifact(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../m.weights.h5", "", 3, "a/b"])
def test_shard_elsewhere_is_refused(path, name):
    path.write_text(json.dumps({"weight_map": {"/vars": [name]}}))
    with pytest.raises(ArtifactError, match="which is no file beside it"):
        open_artifact(path)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", '{"weight_map": 3}', "\xff"])
def test_other_text_is_refused(path, text):
    path.write_text(text, "latin-1")
    with pytest.raises(ArtifactError, match=f"'{path}' is"):
        open_artifact(path)
