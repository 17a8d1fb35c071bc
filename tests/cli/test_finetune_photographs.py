"""Fine-tuning on real photographs, as a user does it: crops of those that packages bring along."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect_cli.main import cli

pytestmark = pytest.mark.slow
NET, SIZE = "mobilenet_v1_025", 64
CROPS = 30


def invoke(*arguments):
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result


def photographs():
    import matplotlib
    from sklearn.datasets import load_sample_image

    yield "palace", load_sample_image("china.jpg")
    yield "dahlia", load_sample_image("flower.jpg")
    portrait = os.path.join(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")
    yield "portrait", np.asarray(Image.open(portrait).convert("RGB"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of three classes, crops of one photograph each, of different sizes."""
    folder = tmp_path_factory.mktemp("photographs") / "photos"
    random = np.random.RandomState(0)
    for name, pixels in photographs():
        (folder / name).mkdir(parents=True)
        for number in range(CROPS):
            height, width = random.randint(200, 300, 2)
            top = random.randint(0, pixels.shape[0] - height)
            left = random.randint(0, pixels.shape[1] - width)
            crop = Image.fromarray(pixels[top : top + height, left : left + width])
            crop.save(folder / name / f"{number:02}.jpg", quality=90)
    return folder


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory):
    """The command's result, and the run: head, then everything, from random weights of 1001."""
    directory = tmp_path_factory.mktemp("finetuned")
    prefix = directory / "model.ckpt"
    network = SlimModel(get_spec(NET), 1001, seed=3)
    checkpoints.save(str(prefix), network.variables_by_name())
    result = invoke(
        "finetune", prefix, "--net", NET, "--data", photos, "--image-size", SIZE,
        "--learning-rate", 0.01, "--head-epochs", 5, "--tune-epochs", 14,
        "--tune-learning-rate", 0.003, "--augment", "none",
        "--batch-norm", "recalibrate", "--output", directory / "run",
    )  # fmt: skip
    return result, directory / "run"


def test_result_is_put_beside_the_majority_and_random_features(finished):
    result, run = finished
    written = json.loads((run / "result.json").read_text())
    shown = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert shown[:4] == [
        "test accuracy", "majority class", "random features", "validation accuracy",
    ]  # fmt: skip
    assert written["majority_accuracy"] == pytest.approx(1 / 3)
    assert written["test_accuracy"] > written["majority_accuracy"]


def test_frozen_tensors_are_said_to_be_unchanged(finished):
    result, _ = finished
    [head, everything] = [line for line in result.stdout.splitlines() if line[:6] == "frozen"]
    assert "stage 'head': 135 frozen tensors (874,176 bytes) are unchanged, byte for byte" in head
    assert "nothing was frozen" in everything
    # And said once.
    assert "frozen tensors" not in result.stderr
    assert "nothing was frozen" not in result.stderr


def test_pictures_are_drawn_and_named(finished):
    result, run = finished
    told = result.stderr.splitlines()[-1]
    for name in ("confusion-test.png", "curves.png", "filters.png", "mistakes.png"):
        with Image.open(run / name) as picture:
            assert min(picture.size) > 100
        assert f"{run / name}" in told


def test_photographs_are_labelled_by_the_run(finished, photos):
    _, run = finished
    rows = json.loads(invoke("predict", run, photos / "dahlia", "--format", "json").stdout)
    labels = [row["label"] for row in rows]
    assert len(labels) == CROPS
    assert labels.count("dahlia") > CROPS / 2


def test_export_labels_the_encoded_file_as_the_run_does(finished, photos):
    _, run = finished
    photo = photos / "portrait" / "00.jpg"
    [row] = json.loads(invoke("predict", run, photo, "--format", "json").stdout)
    export = tf.saved_model.load(str(run / "export"))
    served = export.signatures["serving_default"](encoded=tf.constant([photo.read_bytes()]))
    assert served["classes"].numpy()[0].decode() == row["label"]
    assert served["probabilities"].numpy().max() == pytest.approx(row["probability"], abs=1e-4)
