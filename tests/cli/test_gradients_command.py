import csv
import json
import os
import pathlib

import h5py
import numpy as np
import pytest
import tiny_data
from click.testing import CliRunner
from PIL import Image
from tiny_run import copy_run

import tfinspect
from tfinspect.ranking import rank_examples
from tfinspect.training import read_stamp
from tfinspect.training.run_directory import RunDirectory
from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copy_run(tmp_path_factory.mktemp("gradients"))


def invoke(*arguments):
    return CliRunner().invoke(cli, ["gradients", *arguments])


@pytest.fixture(scope="module")
def ranked(run, tmp_path_factory):
    """One call with everything that it writes."""
    output = tmp_path_factory.mktemp("output")
    table = output / "norms.csv"
    arguments = ["--by", "norm", "--top", "3", "--format", "json", "--norms-csv", str(table)]
    result = invoke(run.path, *arguments, "--output", str(output / "pictures"))
    assert result.exit_code == 0, result.output
    return result, output


def test_hardest_examples_go_to_standard_output(ranked):
    rows = json.loads(ranked[0].stdout)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert rows[0]["norm"] >= rows[1]["norm"] >= rows[2]["norm"]
    assert set(rows[0]) == {
        *("rank", "index", "file", "label", "prediction", "loss", "norm", "disagreement")
    }


def test_csv_has_every_example_with_its_norm(run, ranked):
    with open(ranked[1] / "norms.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    pixels, labels = tiny_data.images(30, 0)
    model = tfinspect.load_model(run.path)
    images = model.preprocess(pixels.transpose(0, 2, 3, 1))
    norms = tfinspect.per_example_gradient_norms(model, images, labels).total
    found = {int(row["index"]): row for row in rows}
    assert [found[i]["label"] for i in range(30)] == [tiny_data.LABELS[n] for n in labels]
    np.testing.assert_allclose([float(found[i]["norm"]) for i in range(30)], norms, rtol=1e-4)
    assert found[0]["file"].startswith("train-0.tfrecord:0")


def test_pictures_are_written(ranked):
    directory = ranked[1] / "pictures"
    assert sorted(os.listdir(directory)) == ["hardest.png", "norms.png", "ranking.csv"]
    with Image.open(directory / "hardest.png") as sheet:
        assert sheet.size[0] > 500


def test_limit_ranks_the_first_examples_alone(run):
    ranking = rank_examples(run.path, split="validation", limit=4, by="disagreement")
    assert sorted(one.index for one in ranking.examples) == [0, 1, 2, 3]


def test_data_with_unknown_labels_are_refused(run, tmp_path):
    records = tiny_data.raw_records(*tiny_data.images(5))
    tiny_data.write_data(str(tmp_path), {"train": records}, labels=tuple("abcdefghiz"))
    result = invoke(run.path, "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "has the label 'z', unknown to the model" in result.stderr


def test_a_model_that_is_no_run_needs_data():
    result = invoke("cifar_resnet8_v1")
    assert result.exit_code == 2
    assert "say which with --data" in result.stderr


ORACLE = pathlib.Path(__file__).parents[1] / "oracle"
TF1, TF2 = ORACLE / "tf1_artifacts", ORACLE / "tf2_artifacts"
SOURCES = {
    "Keras 3 file": [str(TF2 / "keras3" / "model.keras")],
    "SavedModel of TensorFlow 2": [str(TF2 / "saved_model_keras")],
    "MetaGraph and checkpoint": [
        str(TF1 / "metagraph" / "model.meta"),
        *("--checkpoint", str(TF1 / "ckpt_v2" / "model.ckpt-4200000001")),
    ],
}


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Six examples of five classes, of the size that the stored models take."""
    directory = str(tmp_path_factory.mktemp("few"))
    pixels, labels = tiny_data.images(6)
    tiny_data.write_data(
        directory, {"train": tiny_data.raw_records(pixels, labels % 5)}, labels=tuple("01234")
    )
    return directory


@pytest.mark.parametrize("name", SOURCES)
def test_stored_models_are_ranked_too(few, tmp_path, name):
    table = tmp_path / "norms.csv"
    result = invoke(*SOURCES[name], "--data", few, "--norms-csv", str(table), "--top", "2")
    assert result.exit_code == 0, result.output
    with open(table, encoding="utf-8") as stream:
        assert sorted(int(row["index"]) for row in csv.DictReader(stream)) == list(range(6))


@pytest.mark.parametrize("arrays", ["arrays", "arrays.h5"])
def test_arrays_hold_every_gradient_in_the_stored_order(few, tmp_path, arrays):
    source, path = SOURCES["Keras 3 file"][0], str(tmp_path / arrays)
    result = invoke(source, "--data", few, "--arrays", path, "--memory", "2MB")
    assert result.exit_code == 0, result.output
    model = tfinspect.load_model(source)
    pixels, labels = tiny_data.images(6)
    images = model.preprocess(pixels.transpose(0, 2, 3, 1))
    wanted = tfinspect.per_example_gradients(model, images, labels % 5)["logits/kernel"]
    if arrays.endswith("h5"):
        with h5py.File(path) as file:
            found = file["logits/kernel"][:]
    else:
        found = np.load(f"{path}/logits/kernel.npy")
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_too_little_memory_is_refused_in_one_line(few):
    result = invoke(SOURCES["Keras 3 file"][0], "--data", few, "--memory", "1KB")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: '1KB' of memory is too little for one example")


def test_an_image_is_no_constant_to_feed(few):
    result = invoke(SOURCES["Keras 3 file"][0], "--data", few, "--feed", "keep_prob=photo.jpg")
    assert result.exit_code == 2
    assert "'keep_prob' is fed 'photo.jpg', which is no constant" in result.stderr


def test_read_of_the_test_split_is_stamped_in_the_run(tmp_path):
    run = copy_run(tmp_path)
    directory = RunDirectory(run.path)
    assert invoke(run.path, "--limit", "4").exit_code == 0
    before = read_stamp.reads(directory)
    result = invoke(run.path, "--split", "test", "--top", "1000", "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    right = sum(row["label"] == row["prediction"] for row in rows) / len(rows)
    after = read_stamp.reads(directory)
    assert (after[:-1], after[-1].accuracy) == (before, right)
    assert os.path.exists(os.path.join(run.path, f"{after[-1].weights}.index"))
