"""`tfinspect report` on a Keras 3 file, a MetaGraph with its checkpoint and a TF2 SavedModel."""

import os
import re

import pytest
import tiny_data
from click.testing import CliRunner
from graph_files import GRAPH, META_GRAPH, TF2_SAVED_MODEL
from oracle_files import CKPT_V2, KERAS3

from tfinspect.model import files
from tfinspect_cli.main import cli

SOURCES = {
    "keras": [KERAS3 / "model.keras"],
    "meta-graph": [META_GRAPH, "--checkpoint", CKPT_V2],
    "saved-model": [TF2_SAVED_MODEL],
}


def invoke(*arguments):
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


def titles(path):
    with open(path, encoding="utf-8") as stream:
        return re.findall(r"<h2>(.*?)</h2>", stream.read())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Examples with the labels that a model of the reference files may have."""
    directory = str(tmp_path_factory.mktemp("report") / "data")
    pixels, labels = tiny_data.images(12)
    records = tiny_data.raw_records(pixels, labels % 5)
    tiny_data.write_data(directory, {"train": records}, labels=tiny_data.LABELS[:5])
    return directory


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_without_data_shows_filters_and_variables(name, tmp_path):
    path = tmp_path / "report.html"
    result = invoke(*SOURCES[name], "--output", path)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{path}\n"
    assert {"Health", "Scopes", "Filters", "Variables"} <= set(titles(path))


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_page_with_data_shows_activations_and_examples(name, data, tmp_path):
    path = tmp_path / "report.html"
    result = invoke(*SOURCES[name], "--data", data, "--limit", 12, "--output", path)
    assert result.exit_code == 0, result.output
    assert titles(path)[3:5] == ["Activations", "Suspicious examples"]


@pytest.mark.slow
def test_the_model_is_loaded_once(data, tmp_path, monkeypatch):
    calls = []

    def counted(source, *given):
        calls.append(source)
        return from_path(source, *given)

    from_path = files.from_path
    monkeypatch.setattr(files, "from_path", counted)
    source, output = str(TF2_SAVED_MODEL), tmp_path / "report.html"
    assert invoke(source, "--data", data, "--limit", 6, "--output", output).exit_code == 0
    assert calls == [source]


def test_a_networks_name_alone_lacks_its_checkpoint(tmp_path):
    result = CliRunner().invoke(
        cli, ["report", "cifar_resnet20_v1", "--output", str(tmp_path / "r.html")]
    )
    assert result.exit_code == 2
    assert "'cifar_resnet20_v1' is a network's name, and its weights are missing" in result.stderr
    assert "--checkpoint" in result.stderr


def test_a_wrong_option_is_one_line_and_nothing_is_written(tmp_path):
    result = invoke(GRAPH, "--checkpoint", "gone.ckpt", "--output", tmp_path / "report.html")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert os.listdir(tmp_path) == []


def test_an_output_that_is_not_there_is_named(tmp_path):
    arguments = ["--output-name", "nowhere:0", "--output", tmp_path / "report.html"]
    result = invoke(*SOURCES["meta-graph"], *arguments)
    assert result.exit_code == 2
    assert "no tensor 'nowhere:0'" in result.stderr
