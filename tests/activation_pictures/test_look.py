"""The whole way from image files to rows and pictures, on every kind of model."""

import dataclasses

import numpy as np
import pytest
from oracle_files import CKPT_V2, KERAS3, ORACLE
from PIL import Image
from tiny_run import copy_run

from tfinspect.activation_pictures.look import LookOptions, look, read_images
from tfinspect.alarms import parse_alarm
from tfinspect.errors import ConfigError
from tfinspect.model import load_model
from tfinspect.probe.activations import Limits
from tfinspect.probe.tensor_choice import TensorChoice

TF1, TF2 = ORACLE / "tf1_artifacts", ORACLE / "tf2_artifacts"
LIMITS = Limits(tensors=3, samples=2, channels=4)
RELU = TensorChoice(op_types=("Relu",))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.RandomState(0).randint
    for name, shape in (("a", (20, 30, 3)), ("b", (16, 16, 3)), ("grey", (9, 9))):
        Image.fromarray(draw(0, 256, shape, np.uint8)).save(folder / f"{name}.png")
    return str(folder)


@pytest.fixture(scope="module")
def images(pictures):
    return read_images([pictures])


def _run(folder):
    return load_model(copy_run(folder).path)


def _meta_graph(folder):
    return load_model(str(TF1 / "metagraph/model.meta"), checkpoint=str(CKPT_V2))


SOURCES = {
    "run": (_run, "resnet/stage3/unit1/Relu:0"),
    "keras 3": (lambda _: load_model(str(KERAS3 / "model.keras")), None),
    "meta graph": (_meta_graph, "tower_0/conv1/Relu:0"),
    "saved model 1": (lambda _: load_model(str(TF1 / "saved_model")), "tower_0/conv1/Relu:0"),
    "saved model 2": (lambda _: load_model(str(TF2 / "saved_model_keras")), None),
}


@pytest.fixture(scope="module", params=SOURCES)
def source(request, tmp_path_factory):
    make, name = SOURCES[request.param]
    return make(tmp_path_factory.mktemp("source")), name


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return _run(tmp_path_factory.mktemp("run"))


def test_every_kind_of_model_is_looked_into_and_explained(source, images, tmp_path):
    model, _ = source
    options = LookOptions(
        RELU, LIMITS, output=str(tmp_path / "out"), explained=("grad_cam", "integrated_gradients")
    )
    options = dataclasses.replace(options, settings=dataclasses.replace(options.settings, steps=4))
    found = look(model, images, options)
    assert len(found.rows) >= 2
    assert all(row["op_type"] == "Relu" and 0 < row["zeros"] < 1 for row in found.rows)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(written) == len(found.rows) + 2
    assert {"grad-cam.png", "integrated-gradients.png"} <= set(written)
    for path in found.files:
        with Image.open(path) as picture:
            picture.load()


def test_rows_hold_what_the_model_computes(source, images):
    model, name = source
    name = name or look(model, images, LookOptions(RELU, LIMITS)).rows[0]["name"]
    (row,) = look(model, images, LookOptions(TensorChoice(names=(name,)))).rows
    values = model.fetch(name, model.preprocess(images.pixels))[name].astype(np.float64)
    assert row["shape"] == values.shape[1:]
    assert row["max"] == values.max()
    assert row["mean"] == pytest.approx(values.mean(), rel=1e-6)
    assert row["std"] == pytest.approx(values.std(), rel=1e-6)


def test_what_was_done_to_the_images_is_said(run, images):
    notes = " | ".join(look(run, images, LookOptions(limits=LIMITS)).notes)
    assert "grey.png: grey made RGB." in notes
    assert "a.png" in notes
    assert "resized to 32 x 32 (height x width)" in notes
    assert "more tensors match; --max-tensors draws more of them" in notes


def test_a_model_that_does_not_say_its_preprocessing_is_said(images):
    model = load_model(str(KERAS3 / "model.keras"))
    notes = look(model, images, LookOptions(RELU, LIMITS)).notes
    assert any("says nothing of its preprocessing" in note for note in notes)


def test_other_images_drift_and_the_same_do_not(run, images, tmp_path):
    for number in range(3):
        Image.new("RGB", (8, 8), (250, 250, 250)).save(tmp_path / f"{number}.png")
    same = look(run, images, LookOptions(RELU, LIMITS, reference=images))
    other = look(run, images, LookOptions(RELU, LIMITS, reference=read_images([str(tmp_path)])))
    assert {row["drift"] for row in same.rows} == {0.0}
    assert min(row["drift"] for row in other.rows) > 0.25
    assert all(note.startswith("reference: ") for note in set(other.notes) - set(same.notes))


def test_alarms_name_the_tensors_that_raise_them(run, images):
    options = LookOptions(RELU, LIMITS, alarms=(parse_alarm("zeros>0"), parse_alarm("max>1e9")))
    found = look(run, images, options)
    assert len(found.alarms) == len(found.rows)
    assert "(alarm zeros>0)" in found.alarms[0]


def test_an_alarm_that_cannot_be_leaves_nothing_written(run, images, tmp_path):
    options = LookOptions(
        RELU, LIMITS, output=str(tmp_path / "out"), alarms=(parse_alarm("drift>1"),)
    )
    with pytest.raises(ConfigError, match="--reference"):
        look(run, images, options)
    assert not (tmp_path / "out").exists()


def test_a_class_that_does_not_exist_leaves_nothing_written(run, images, tmp_path):
    options = LookOptions(
        RELU, LIMITS, output=str(tmp_path / "out"), explained=("grad_cam",), explained_class="cat"
    )
    with pytest.raises(ConfigError, match="no class 'cat'"):
        look(run, images, options)
    assert not (tmp_path / "out").exists()


def test_values_that_are_not_finite_are_said(run, images, monkeypatch):
    def broken(names, images, batch_size):
        return {name: np.full((len(images), 4, 4, 2), np.nan, np.float32) for name in names}

    monkeypatch.setattr(type(run), "fetch", lambda self, *given: broken(*given))
    found = look(run, images, LookOptions(RELU, Limits(tensors=1)))
    assert any("NaN values: 96" in note for note in found.notes)


def test_summaries_are_read_by_tensorboard(run, images, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    look(run, images, LookOptions(RELU, Limits(tensors=1), tensorboard=str(tmp_path / "logs")))
    read = EventAccumulator(str(tmp_path / "logs")).Reload()
    tags = read.Tags()["tensors"]
    assert "activations/conv1" in tags
    assert "activations/conv1/zeros" in tags
    # The tiny run's best weights are of step 5.
    assert read.Tensors("activations/conv1/mean")[0].step == 5


def test_a_run_of_one_image_is_looked_into(run, pictures):
    found = look(run, read_images([f"{pictures}/a.png"]), LookOptions(RELU, LIMITS))
    assert found.rows


def test_equal_looks_write_equal_bytes(run, images, tmp_path):
    def written(name):
        look(run, images, LookOptions(RELU, Limits(tensors=1), output=str(tmp_path / name)))
        return [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]

    assert written("one") == written("two")
