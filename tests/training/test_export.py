import io
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_run import copy_run

from tfinspect.data.image_file import read_image
from tfinspect.errors import RunError
from tfinspect.model import load_model
from tfinspect.training.export import export


def write(model, directory):
    spec = model.spec
    export(
        model.keras_model,
        directory,
        labels=model.labels,
        preprocessing=spec.preprocessing,
        image_shape=spec.image_shape,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(copy_run(tmp_path_factory.mktemp("export")).path)


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("saved") / "export")
    write(model, path)
    return path


@pytest.fixture(scope="module")
def signatures(directory):
    loaded = tf.saved_model.load(directory)
    # The signatures do not keep the object that owns their variables alive.
    return {"owner": loaded, **loaded.signatures}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pictures")
    noise = np.random.RandomState(0).randint(0, 256, (40, 50, 3), np.uint8)
    image = Image.fromarray(noise)
    images = {
        "same.png": image.resize((32, 32)),
        "larger.png": image,
        "photo.jpg": image.resize((90, 70), Image.Resampling.BICUBIC),
        "grey.png": image.convert("L"),
        "clear.png": image.convert("RGBA"),
    }
    for name, one in images.items():
        one.save(directory / name)
    return [str(directory / name) for name in images]


def test_encoded_images_give_what_predict_gives_for_the_files(model, signatures, pictures):
    encoded = tf.constant([tf.io.read_file(path).numpy() for path in pictures])
    given = signatures["serving_default"](encoded=encoded)
    expected = model.predict(model.preprocess([read_image(path) for path in pictures]))
    np.testing.assert_allclose(given["probabilities"], expected, atol=1e-5)


def test_pixels_give_what_predict_gives(model, signatures):
    pixels = np.random.RandomState(1).uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)
    given = signatures["images"](images=tf.constant(pixels))
    expected = model.predict(model.preprocess(pixels))
    np.testing.assert_allclose(given["probabilities"], expected, atol=1e-5)


def test_classes_are_the_names_of_the_likeliest_labels(model, signatures):
    pixels = np.random.RandomState(2).uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)
    given = signatures["images"](images=tf.constant(pixels))
    likeliest = given["probabilities"].numpy().argmax(axis=1)
    np.testing.assert_array_equal(given["indices"], likeliest)
    assert [name.decode() for name in given["classes"].numpy()] == [
        model.labels[index] for index in likeliest
    ]


def test_labels_and_preprocessing_are_assets(model, directory):
    with open(os.path.join(directory, "assets", "labels.txt"), encoding="utf-8") as stream:
        assert tuple(stream.read().splitlines()) == model.labels
    with open(os.path.join(directory, "assets", "preprocessing.json"), encoding="utf-8") as stream:
        preprocessing = json.load(stream)
    assert (preprocessing["scale"], preprocessing["offset"]) == (1 / 128, -1.0)


def test_nothing_temporary_stays(directory):
    assert os.listdir(os.path.dirname(directory)) == ["export"]


def test_an_older_export_is_replaced(model, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "stale").write_text("old")
    write(model, str(tmp_path / "export"))
    assert "stale" not in os.listdir(tmp_path / "export")
    assert "saved_model.pb" in os.listdir(tmp_path / "export")


def test_an_error_leaves_the_older_export_and_nothing_else(model, tmp_path, monkeypatch):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "old").write_text("old")

    def full(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(
        RunError, match=r"cannot write the export .*: No space left on device; free"
    ):
        write(model, str(tmp_path / "export"))
    assert os.listdir(tmp_path) == ["export"]
    assert os.listdir(tmp_path / "export") == ["old"]


def test_a_file_that_is_no_image_is_refused_by_name_of_the_op(signatures):
    stream = io.BytesIO(b"no image")
    with pytest.raises(tf.errors.InvalidArgumentError, match="image"):
        signatures["serving_default"](encoded=tf.constant([stream.getvalue()]))
