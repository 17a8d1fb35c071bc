"""A SavedModel of Keras 3's `export`: two copies of every variable, in lists without names."""

import pytest

from tfinspect.artifacts import open_artifact
from tfinspect.probe.filters import kernels

pytestmark = pytest.mark.slow
LAYERS = {"conv/kernel": "conv2d", "dw/kernel": "depthwise_conv2d", "up/kernel": "conv2d_transpose"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.DepthwiseConv2D(3, name="dw"),
            keras.layers.Conv2DTranspose(2, 3, name="up"),
        ],
        name="net",
    )
    path = tmp_path_factory.mktemp("keras") / "exported"
    model.export(str(path), verbose=False)
    return model, open_artifact(str(path))


def test_variables_have_the_names_of_their_layers(exported):
    model, artifact = exported
    wanted = {
        f"{scope}/{v.path}" for v in model.variables for scope in ("variables", "all_variables")
    }
    assert {entry.name for entry in artifact.variables} == wanted


def test_values_are_read_by_these_names(exported):
    model, artifact = exported
    for variable in model.variables:
        assert (artifact.read(f"variables/{variable.path}") == variable.numpy()).all()
        assert (
            artifact.read_part(f"all_variables/{variable.path}", 0) == variable.numpy()[0]
        ).all()


def test_note_says_that_all_is_stored_twice(exported):
    assert any("stored twice" in note for note in exported[1].notes)


def test_layers_of_both_copies_are_known(exported):
    found = exported[1].layer_classes
    for name, layer in LAYERS.items():
        for scope in ("variables", "all_variables"):
            assert found[f"{scope}/net/{name}"] == layer


def test_kernels_are_drawn_as_their_layers_use_them(exported):
    artifact = exported[1]
    shapes = {
        kernel.name: kernel.shape for kernel in kernels(artifact.variables, artifact.layer_classes)
    }
    assert shapes["variables/net/dw/kernel"] == (3, 3, 1, 4)
    assert shapes["variables/net/up/kernel"] == (3, 3, 4, 2)
