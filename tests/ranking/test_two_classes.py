"""Examples ranked by a model that ends in sigmoids."""

import keras
import numpy as np
import pytest
from PIL import Image

from tfinspect.errors import DataError
from tfinspect.model import load_model
from tfinspect.ranking import rank_examples

SIZE = 8


def _model(outputs):
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            k.Rescaling(1 / 255),
            k.Flatten(),
            k.Dense(outputs, "sigmoid", kernel_initializer="ones"),
        ]
    )
    model.layers[-1].bias.assign(np.full(outputs, -SIZE * SIZE * 1.5))
    return model


@pytest.fixture
def folder(tmp_path):
    """Dark and bright images; the third of each ten stands in the other's folder."""
    random = np.random.RandomState(0)
    for label, level in (("bright", 200), ("dark", 10)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for n in range(30):
            shown = 210 - level if n % 10 == 3 else level
            pixels = random.randint(shown, shown + 40, (SIZE, SIZE, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{n}.png")
    return str(tmp_path / "photos")


def test_one_sigmoid_ranks_two_classes(folder):
    model = load_model(_model(1), labels=["dark", "bright"])
    with pytest.raises(DataError, match="another order of labels"):
        rank_examples("live", model=model, data=folder)
    model = load_model(_model(1))
    model.keras_model.layers[-1].kernel.assign(-np.ones((SIZE * SIZE * 3, 1)))
    model.keras_model.layers[-1].bias.assign([SIZE * SIZE * 1.5])
    ranking = rank_examples("live", model=model, data=folder)
    wrong = [one for one in ranking.examples if one.file.split("/")[-1].split(".")[0][-1] == "3"]
    assert 1 <= len(wrong) <= 6
    assert list(ranking.examples[: len(wrong)]) == wrong
    assert all(one.label != one.prediction for one in wrong)
    assert all(one.label == one.prediction for one in ranking.examples[len(wrong) :])


def test_several_sigmoids_take_no_folder_with_one_label_per_image(folder):
    with pytest.raises(DataError, match=r"ends in 2 sigmoids.*one label per image fit a model"):
        rank_examples("live", model=load_model(_model(2)), data=folder)
