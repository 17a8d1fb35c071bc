import json

import pytest
from click.testing import CliRunner
from made_sources import python_files, write_tar
from PIL import Image

from tfinspect.data.convert import convert
from tfinspect_cli.main import cli


@pytest.fixture
def shards(tmp_path):
    convert(write_tar(tmp_path / "small.tar.gz", python_files()), str(tmp_path / "records"))
    return tmp_path / "records"


def invoke(*arguments):
    return CliRunner().invoke(cli, ["check-records", *map(str, arguments)])


def test_sound_records_exit_0_with_files_and_labels(shards):
    result = invoke(shards)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "train-00000-of-00001.tfrecord" in result.stdout
    labels = [line.split() for line in result.stdout.splitlines() if line.startswith("name")]
    assert len(labels) == 10
    assert sum(int(row[1]) for row in labels) == 45


def test_findings_are_a_line_each_and_exit_1(shards):
    (shards / "test-00000-of-00001.tfrecord").write_bytes(b"short")
    (shards / "validation-00000-of-00001.tfrecord").unlink()
    result = invoke(shards, "--format", "json")
    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == ["Finding"] * 2
    assert "record 0 at byte 0 is cut off in its header" in result.stderr
    rows = json.loads(result.stdout)
    assert [(row["split"], row["findings"]) for row in rows] == [("train", 0), ("test", 1)]


@pytest.mark.parametrize("name", ["README.md", "picture.png"])
def test_file_of_another_kind_is_wrong_input(tmp_path, name):
    (tmp_path / name).write_bytes(b"Neither a length nor its checksum.")
    result = invoke(tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Error: '{tmp_path / name}' is no TFRecord file" in result.stderr


def test_broken_records_under_any_name_are_findings(shards, tmp_path):
    sound = (shards / "test-00000-of-00001.tfrecord").read_bytes()
    (tmp_path / "mine").write_bytes(sound[:12] + b"\0" + sound[13:])
    result = invoke(tmp_path / "mine")
    assert result.exit_code == 1
    assert "Finding: " in result.stderr


def test_labels_alone(shards):
    rows = json.loads(invoke(shards, "--labels", "--format", "json").stdout)
    assert [row["label"] for row in rows] == [f"name{label}" for label in range(10)]
    assert sum(row["test"] for row in rows) == 10


def test_the_contact_sheet_is_drawn(shards, tmp_path):
    result = invoke(shards, "--contact-sheet", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 900


def test_no_records_are_one_error_line(tmp_path):
    result = invoke(tmp_path / "none")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: no TFRecord file '")
