import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_weights import NET, tiny_weights

from tfinspect.artifacts import open_artifact
from tfinspect.model import load_model
from tfinspect_cli.main import cli


def invoke(*arguments):
    return CliRunner().invoke(cli, ["extract", *map(str, arguments)])


@pytest.fixture(scope="module")
def checkpoint():
    return tiny_weights().v1


def test_files_are_listed_and_the_summary_is_a_message(checkpoint, tmp_path):
    output = tmp_path / "out"
    result = invoke(
        checkpoint, "--net", NET, "--output", output, "--as", "frozen", "--fold-batch-norm"
    )
    assert result.exit_code == 0, result.output
    assert f"{output}/frozen.pb" in result.stdout
    assert "37 loaded; 75,770 parameters loaded." in result.stderr
    assert "7 batch normalizations are folded." in result.stderr
    assert load_model(str(output / "frozen.pb")).image_shape == (32, 32, 3)


def test_report_is_one_row_a_variable(checkpoint, tmp_path):
    result = invoke(checkpoint, "--net", NET, "--dry-run", "--report", "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert {row["name"] for row in rows} == tiny_weights().values.keys()
    assert {row["status"] for row in rows} == {"loaded"}


def test_dry_run_in_json_has_its_rows(checkpoint):
    result = invoke(checkpoint, "--net", NET, "--dry-run", "--format", "json")
    assert result.exit_code == 0, result.output
    assert {row["name"] for row in json.loads(result.stdout)} == tiny_weights().values.keys()


def test_dry_run_writes_nothing(checkpoint, tmp_path):
    result = invoke(checkpoint, "--net", NET, "--dry-run", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert os.listdir(tmp_path) == []
    assert "37 would be loaded; 75,770 parameters would be loaded." in result.stderr
    assert "Nothing was loaded" in result.stderr
    assert "checksums are for the load itself" in result.stderr


def test_failed_load_still_shows_its_rows_and_exits_with_2(checkpoint, tmp_path):
    options = ["--net", NET, "--num-classes", 7, "--output", tmp_path / "out", "--report"]
    result = invoke(checkpoint, *options, "--format", "json")
    assert result.exit_code == 2
    wrong = [row["name"] for row in json.loads(result.stdout) if row["status"] == "shape mismatch"]
    assert wrong == ["resnet/logits/biases", "resnet/logits/weights"]
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: 2 of 37 variables")
    assert "10 classes and the network 7" in last
    assert "--exclude-scope resnet/logits" in last


def test_excluded_scope_makes_it_load(checkpoint, tmp_path):
    options = ["--num-classes", 7, "--exclude-scope", "resnet/logits", "--dry-run"]
    result = invoke(checkpoint, "--net", NET, *options)
    assert result.exit_code == 0, result.output
    assert "35 would be loaded, 2 re-initialised" in result.stderr


def test_saved_model_of_ours_is_answered_with_the_rule_that_loads_it(checkpoint, tmp_path):
    saved = tmp_path / "saved"
    assert invoke(checkpoint, "--net", NET, "--output", saved).exit_code == 0
    refused = invoke(saved, "--net", NET, "--dry-run")
    assert refused.exit_code == 2
    assert "all of them are stored under another scope" in refused.stderr
    assert "--rename '^=>network/' finds them" in refused.stderr
    result = invoke(
        saved, "--net", NET, "--rename", "^=>network/", "--output", tmp_path / "again",
        "--as", "checkpoint",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    again = open_artifact(tmp_path / "again" / "model.ckpt")
    for name, value in tiny_weights().values.items():
        np.testing.assert_array_equal(again.read(name), value, err_msg=name)


def test_labels_go_along(checkpoint, tmp_path):
    (tmp_path / "names.txt").write_text("".join(f"thing {n}\n" for n in range(10)))
    options = ["--labels", tmp_path / "names.txt", "--output", tmp_path / "out", "--as", "frozen"]
    assert invoke(checkpoint, "--net", NET, *options).exit_code == 0
    assert load_model(str(tmp_path / "out/frozen.pb")).labels[3] == "thing 3"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--net", NET], "give --output DIR, or --dry-run"),
        (["--dry-run"], "name it with --net"),
        (["--net", "vgg_61", "--dry-run"], "nearest: 'vgg_19', 'vgg_16'"),
        (["--net", "cifar_resnet14_v1", "--dry-run"], "fits 'cifar_resnet8_v1' best"),
        (["--net", NET, "--image-size", "0", "--dry-run"], "write 331, or 240x320"),
        (["--net", NET, "--rename", "a", "--dry-run"], "is no rename rule"),
        (["--net", NET, "--exclude-scope", "resnet/logit", "--dry-run"], "whole components"),
        (["--net", NET, "--labels", "none.txt", "--dry-run"], "none.txt"),
        (
            ["--net", NET, "--as", "checkpoint", "--fold-batch-norm", "--output", "new"],
            "in frozen graphs alone",
        ),
    ],
)
def test_wrong_input_is_one_line_with_the_cure(checkpoint, options, words):
    result = invoke(checkpoint, *options)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]


def test_occupied_directory_is_refused(checkpoint, tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    result = invoke(checkpoint, "--net", NET, "--output", tmp_path)
    assert result.exit_code == 2
    assert "is not empty; choose another --output" in result.stderr


def test_truncated_checkpoint_is_named(checkpoint, tmp_path):
    with open(checkpoint, "rb") as stream:
        data = stream.read()
    (tmp_path / "cut.ckpt").write_bytes(data[: len(data) // 2])
    result = invoke(tmp_path / "cut.ckpt", "--net", NET, "--dry-run")
    assert result.exit_code == 2
    assert "cut.ckpt" in result.stderr.splitlines()[-1]
