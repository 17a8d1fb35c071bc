import csv
import json
import os

import numpy as np
import pytest
import tiny_data
from click.testing import CliRunner
from PIL import Image
from tiny_run import copy_run

import tfinspect
from tfinspect.ranking import rank_examples
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
