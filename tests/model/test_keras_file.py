import json
import zipfile

import keras
import numpy as np
import pytest
from graph_files import TF2
from oracle_files import KERAS3, TF_KERAS

from tfinspect.errors import ArtifactError
from tfinspect.model import load_model

IO = np.load(TF2 / "io.npz")


@pytest.mark.parametrize("directory", [KERAS3, TF_KERAS], ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_models_give_their_writers_logits(directory, name):
    model = load_model(directory / name)
    expected = IO[f"{directory.name}_logits"]
    np.testing.assert_allclose(model.logits(IO["input"]), expected, atol=1e-6)
    assert model.kind == f"{'Keras 3' if directory == KERAS3 else 'tf_keras'} file"
    assert model.checkpoint == str(directory / name)


@pytest.mark.parametrize("directory", [KERAS3, TF_KERAS], ids=lambda path: path.name)
def test_weights_without_a_model_are_refused(directory):
    with pytest.raises(ArtifactError, match="holds weights without a model"):
        load_model(directory / "model.weights.h5")


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_stored_code_is_refused_and_not_run(tmp_path, name):
    layers = [keras.layers.Input((4, 4, 3)), keras.layers.Lambda(lambda x: x * 2, name="twice")]
    keras.Sequential(layers).save(tmp_path / name)
    with pytest.raises(ArtifactError, match=r"holds code or another file .'Lambda' named 'twice'"):
        load_model(tmp_path / name)


def changed(tmp_path, change):
    """Writes the reference archive with another config."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(TF_KERAS / "model.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name == "config.json" else data)
    return path


def test_foreign_classes_are_not_imported(tmp_path):
    def foreign(config):
        parsed = json.loads(config)
        parsed["config"]["layers"][1] |= {"module": "antigravity", "class_name": "Fly"}
        return json.dumps(parsed)

    with pytest.raises(ArtifactError, match=r"'antigravity.Fly', which is not Keras's own"):
        load_model(changed(tmp_path, foreign))


def test_a_config_that_does_not_fit_is_one_sentence(tmp_path):
    path = changed(tmp_path, lambda config: config.replace(b'"filters": 6', b'"filters": 7'))
    with pytest.raises(ArtifactError, match=r"tf_keras cannot load .*build the model in code"):
        load_model(path)


def test_a_broken_config_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=r"the config in .* cannot be read"):
        load_model(changed(tmp_path, lambda config: config[:-9]))
