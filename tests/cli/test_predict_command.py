import json

import numpy as np
import pytest
from click.testing import CliRunner
from graph_files import FROZEN, META_GRAPH
from oracle_files import CKPT_V2
from PIL import Image
from tiny_run import copy_run

from tfinspect.data.image_file import read_image
from tfinspect.model import load_model
from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copy_run(tmp_path_factory.mktemp("command"))


@pytest.fixture(scope="module")
def loaded(run):
    return load_model(run.path)


@pytest.fixture
def prepared(run, loaded, monkeypatch):
    """The run, whose model costs no time to load."""
    monkeypatch.setattr("tfinspect.model.load_model", lambda _, **given: loaded)
    return run


@pytest.fixture
def pictures(tmp_path):
    noise = np.random.RandomState(0).randint(0, 256, (40, 30, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "colour.png")
    Image.fromarray(noise[..., 0]).save(tmp_path / "grey.jpg")
    return [str(tmp_path / "colour.png"), str(tmp_path / "grey.jpg")]


def invoke(*arguments):
    return CliRunner().invoke(cli, ["predict", *arguments])


def test_table_has_a_row_per_image(run, pictures):
    result = invoke(run.path, *pictures)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["file", "rank", "label", "probability"]
    assert [line.split()[0] for line in lines[2:]] == pictures


def test_network_other_than_the_runs_is_refused(run, pictures):
    result = invoke(run.path, pictures[0], "--net", "vgg_16")
    assert result.exit_code == 2
    assert "has its own preprocessing, and net= (--net) names another network, 'vgg_16'" in (
        result.stderr
    )
    assert result.stdout == ""


def test_json_has_the_top_labels_of_each_image_in_order(prepared, loaded, pictures):
    rows = json.loads(invoke(prepared.path, *pictures, "--top", "3", "--format", "json").stdout)
    assert [(row["file"], row["rank"]) for row in rows] == [
        (path, rank) for path in pictures for rank in (1, 2, 3)
    ]
    pixels = read_image(pictures[0])
    probabilities = loaded.predict(loaded.preprocess(pixels))
    assert rows[0]["label"] == loaded.labels[probabilities.argmax()]
    assert rows[0]["probability"] == pytest.approx(probabilities.max(), rel=1e-6)


def test_what_was_converted_is_said(prepared, pictures):
    result = invoke(prepared.path, *pictures)
    assert f"Note: {pictures[1]}: grey made RGB.\n" in result.stderr
    assert f"Note: {', '.join(pictures)}: resized to 32 x 32 (height x width)" in result.stderr


def test_a_directory_gives_its_images(prepared, pictures, tmp_path):
    rows = json.loads(invoke(prepared.path, str(tmp_path), "--format", "json").stdout)
    assert [row["file"] for row in rows] == sorted(pictures)


@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_a_bad_image_is_named_in_one_line(content, run, pictures, tmp_path):
    if content is not None:
        (tmp_path / "bad.png").write_bytes(content)
    result = invoke(run.path, pictures[0], str(tmp_path / "bad.png"))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert "bad.png" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_model_is_one_line_and_exit_2(pictures):
    result = invoke("nowhere", pictures[0])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: 'nowhere' is neither a run directory nor a network")


def test_an_untrained_network_is_refused(pictures):
    result = invoke("cifar_resnet8_v1", pictures[0])
    assert result.exit_code == 2
    assert "is untrained; give the directory of a training run" in result.stderr


def test_a_stored_graph_with_its_checkpoint_labels_images(pictures):
    options = ["--checkpoint", str(CKPT_V2), "--format", "json"]
    result = invoke(str(META_GRAPH), pictures[0], *options)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    expected = load_model(META_GRAPH, checkpoint=str(CKPT_V2)).classify(read_image(pictures[0]))
    assert row["label"] == expected[0][0].label
    assert "normalizes by moving averages" in result.stderr


def test_an_output_that_names_no_classes_is_refused(pictures):
    result = invoke(str(FROZEN), pictures[0], "--output-name", "tower_0/conv1/Relu:0")
    assert result.exit_code == 2
    assert "has the shape [1, 8, 8, 8] and not [N, classes]" in result.stderr


def test_no_image_at_all_is_refused(run):
    assert invoke(run.path).exit_code == 2
