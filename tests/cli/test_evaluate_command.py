import csv
import dataclasses
import io
import json
import os

import pytest
from click.testing import CliRunner
from tiny_run import copy_run

from tfinspect.training.evaluate import evaluate
from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copy_run(tmp_path_factory.mktemp("command"))


@pytest.fixture(scope="module")
def measured(run):
    return evaluate(run.path, split="validation")


@pytest.fixture
def prepared(run, measured, monkeypatch):
    """The run, whose evaluation costs no time and is that of the validation split."""
    monkeypatch.setattr("tfinspect.training.evaluate.evaluate", lambda *_, **__: measured)
    return run


def invoke(*arguments):
    return CliRunner().invoke(cli, ["evaluate", *arguments])


def test_table_has_the_summary_and_the_classes(prepared):
    result = invoke(prepared.path, "--split", "validation")
    assert result.exit_code == 0, result.output
    summary, classes = result.stdout.split("\n\n", 1)
    assert "accuracy" in summary
    assert "precision" in classes
    assert len(classes.splitlines()) == 12
    assert result.stderr == f"Wrote {prepared.path}/confusion-validation.png\n"


def test_labels_that_a_picture_cannot_name_have_a_legend(run, measured, monkeypatch):
    labels = ("明", *measured.labels[1:])
    foreign = dataclasses.replace(measured, labels=labels)
    monkeypatch.setattr("tfinspect.training.evaluate.evaluate", lambda *_, **__: foreign)
    result = invoke(run.path, "--split", "validation")
    assert "Note: the pictures' font lacks letters of 1 label, drawn as numbers: #0 is '明'" in (
        result.stderr
    )
    assert os.path.exists(f"{run.path}/picture-labels.csv")


def test_json_is_one_flat_record(prepared, measured):
    result = invoke(prepared.path, "--split", "validation", "--format", "json")
    assert json.loads(result.stdout) == [measured.summary()]


def test_csv_per_class_has_a_row_for_each(prepared):
    result = invoke(prepared.path, "--split", "validation", "--format", "csv", "--per-class")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["label"] for row in rows] == list("abcdefghij")


def test_the_picture_is_written_where_asked_too(prepared, tmp_path):
    invoke(prepared.path, "--confusion", str(tmp_path / "matrix.png"))
    assert os.path.getsize(tmp_path / "matrix.png") == os.path.getsize(
        f"{prepared.path}/confusion-validation.png"
    )


def test_a_repeated_read_of_the_test_split_is_counted_aloud(run):
    first = invoke(run.path)
    assert first.exit_code == 0, first.output
    assert "has been read" not in first.stderr
    assert "The test split has been read 2 times for this run" in invoke(run.path).stderr


def test_a_missing_run_is_one_line_and_exit_2():
    result = invoke("nowhere")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: no run directory 'nowhere'")
    assert result.stderr.count("\n") == 1
