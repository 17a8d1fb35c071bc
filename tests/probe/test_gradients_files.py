"""Per-example gradients of models that come from files, against the loop."""

import pathlib

import pytest
from gradient_oracle import batch, loop, worst
from tiny_run import copy_run

import tfinspect

ORACLE = pathlib.Path(__file__).parents[1] / "oracle"
TF1, TF2 = ORACLE / "tf1_artifacts", ORACLE / "tf2_artifacts"
CHECKPOINT = str(TF1 / "ckpt_v2" / "model.ckpt-4200000001")
SOURCES = {
    "MetaGraph and checkpoint": (TF1 / "metagraph" / "model.meta", {"checkpoint": CHECKPOINT}),
    "SavedModel of TensorFlow 1": (TF1 / "saved_model", {}),
    "frozen GraphDef": (TF1 / "frozen" / "frozen.pb", {}),
    "SavedModel of TensorFlow 2": (TF2 / "saved_model_keras", {}),
    "Keras 3 file": (TF2 / "keras3" / "model.keras", {}),
    "Keras 2 file": (TF2 / "tf_keras" / "model.h5", {}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_gradients_of_a_stored_model_equal_the_loop(name):
    path, options = SOURCES[name]
    model = tfinspect.load_model(str(path), **options)
    images, labels = batch(model, 2, classes=3)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
    assert not [rule for rule in found.rules.values() if "vectorized_map" in rule]


def test_gradients_of_a_run_equal_the_loop(tmp_path):
    model = tfinspect.load_model(copy_run(tmp_path).path)
    images, labels = batch(model, 2)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
