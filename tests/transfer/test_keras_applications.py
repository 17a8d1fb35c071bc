import os

import numpy as np
import pytest
from oracle_nets import INCEPTION_RESNET, expected_variables

from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.extraction import Request, load_network
from tfinspect.transfer.keras_applications import under_slim_names
from tfinspect.transfer.weights_source import open_weights

AUX = "InceptionResnetV2/AuxLogits"


class _Listed(Artifact):
    def __init__(self, names):
        super().__init__("listed.h5", "Keras HDF5 weights")
        self.variables = tuple(VariableEntry(name, (1,), "float32", 1, 4) for name in names)


def _keras_names(first):
    """Names as Keras makes them, its counters standing at `first`."""
    for number in range(first, first + 203):
        suffix = f"_{number}" if number else ""
        yield f"conv2d{suffix}/kernel"
        for part in ("beta", "moving_mean", "moving_variance"):
            yield f"batch_normalization{suffix}/{part}"
    for block, times in (("block35", 10), ("block17", 20), ("block8", 10)):
        for number in range(times):
            yield from (f"{block}_{number + 1}_conv/{part}" for part in ("kernel", "bias"))
    yield "conv_7b/kernel"
    yield from (f"conv_7b_bn/{part}" for part in ("beta", "moving_mean", "moving_variance"))
    yield from ("predictions/kernel", "predictions/bias")


@pytest.mark.parametrize("first", [0, 7, 203])
def test_layers_are_the_networks_wherever_keras_began_to_count(first):
    artifact = under_slim_names(_Listed(_keras_names(first)))
    wanted = [
        name
        for name in expected_variables(INCEPTION_RESNET / "variables.txt")
        if not name.startswith(AUX)
    ]
    assert sorted(entry.name for entry in artifact.variables) == sorted(wanted)
    assert artifact.variables[0].key.startswith("conv2d")


def test_other_artifacts_are_left_as_they_are():
    artifact = _Listed(["InceptionResnetV2/Conv2d_1a_3x3/weights"])
    assert under_slim_names(artifact) is artifact


def test_part_of_the_network_is_refused():
    names = [name for name in _keras_names(0) if not name.startswith("conv2d_9/")]
    with pytest.raises(ArtifactError, match="202 layers 'conv2d…' where that has 203"):
        under_slim_names(_Listed(names))


@pytest.fixture(scope="module")
def keras_model(tmp_path_factory):
    import keras

    keras.utils.clear_session()
    keras.layers.Conv2D(1, 1)  # So that the numbers do not begin at 0.
    model = keras.applications.InceptionResNetV2(
        weights=None, classes=7, input_shape=(96, 96, 3), classifier_activation=None
    )
    random = np.random.RandomState(1)
    for layer in model.layers:
        if layer.name.startswith("batch_norm"):
            layer.set_weights([0.5 + 0.5 * random.rand(*one.shape) for one in layer.get_weights()])
    directory = tmp_path_factory.mktemp("applications")
    model.save_weights(directory / "weights.weights.h5")
    model.save(directory / "model.keras")
    return model, directory


@pytest.mark.slow
def test_logits_are_keras_applications(keras_model):
    model, directory = keras_model
    path = str(directory / "weights.weights.h5")
    loaded = load_network(path, Request("inception_resnet_v2", image_size=(96, 96)))
    images = np.random.RandomState(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    expected = model(images, training=False).numpy()
    found = loaded.part.model.logits(images)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.slow
def test_archive_holds_the_same_as_the_weights(keras_model):
    _, directory = keras_model
    found = {}
    for name in os.listdir(directory):
        artifact = open_weights(str(directory / name), "inception_resnet_v2")
        found[name] = {entry.name: artifact.read(entry.name) for entry in artifact.variables}
    first, second = found.values()
    assert first.keys() == second.keys()
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
