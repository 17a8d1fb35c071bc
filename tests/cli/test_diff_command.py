import json

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from graph_files import META_GRAPH
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, TF_KERAS, broken_copy

from tfinspect_cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["diff", *map(str, arguments)])


@pytest.fixture
def changed(tmp_path):
    """Keras's model with one value of one variable changed."""
    path = tmp_path / "changed.h5"
    path.write_bytes((KERAS3 / "model.h5").read_bytes())
    with h5py.File(path, "a") as file:
        file["model_weights/logits/logits/bias"][0] += np.float32(1)
    return path


def test_equal_artifacts_of_two_formats_are_status_0():
    result = _run(KERAS3 / "model.h5", KERAS3 / "model.keras")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "11 variables: 11 equal." in result.stderr


def test_difference_is_status_1_and_listed(changed):
    result = _run(KERAS3 / "model.keras", changed, "--format", "json")
    assert result.exit_code == 1, result.output
    (row,) = [row for row in json.loads(result.stdout) if row["status"] != "equal"]
    assert (row["name"], row["status"], row["changed"]) == ("logits/bias", "changed", 0.2)
    assert {"relative_l2", "max_abs", "cosine"} <= set(row)


def test_table_lists_differences_alone(changed):
    result = _run(KERAS3 / "model.h5", changed)
    assert "logits/bias" in result.stdout
    assert "conv1/kernel" not in result.stdout
    assert "1 changed" in result.stderr


@pytest.mark.parametrize("equal", [True, False])
def test_quiet_writes_nothing(changed, equal):
    result = _run(KERAS3 / "model.h5", KERAS3 / "model.h5" if equal else changed, "--quiet")
    assert (result.exit_code, result.output) == (0 if equal else 1, "")


def test_rename_brings_two_kerases_together():
    arguments = [KERAS3 / "model.h5", TF_KERAS / "model.h5", "--format", "json"]
    result = _run(*arguments, "--rename", "dw/kernel=>dw/depthwise_kernel")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["dw/kernel"]["other"] == "dw/depthwise_kernel"
    assert rows["dw/kernel"]["status"] in ("equal", "changed")


def test_tolerance_and_scope_are_taken(changed):
    assert _run(KERAS3 / "model.h5", changed, "--tolerance", "1e9").exit_code == 0
    assert _run(KERAS3 / "model.h5", changed, "--scope", "conv1").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rename", "a"], "'a' is no rename rule: it has no '=>'"),
        (["--scope", "nothing"], "no variable or op in scope 'nothing'"),
        (["--tolerance", "-1"], "tolerance -1.0 is negative"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, message):
    result = _run(CKPT_V1, CKPT_V2, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {message}")


def test_missing_artifact_is_status_2(tmp_path):
    result = _run(CKPT_V2, tmp_path / "none.keras")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: there is no")


def test_values_that_neither_holds_are_told_and_status_0():
    result = _run(META_GRAPH, META_GRAPH)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "31 values cannot be read: name, shape and type count. The first: '" in result.stderr


def test_note_of_both_is_written_once(tmp_path):
    path = tmp_path / "part.h5"
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = np.void(b"abc"), np.ones(2)
    result = _run(path, path)
    assert result.exit_code == 0
    assert result.stderr.count("Note: 1 of 2 variables can be listed") == 1


def test_broken_value_is_status_1_and_named(tmp_path):
    broken = broken_copy(CKPT_V2, tmp_path, "tower_0/conv3/weights")
    result = _run(broken, CKPT_V2)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2].split()[:2] == ["tower_0/conv3/weights", "unreadable"]
    assert "1 value cannot be read" in result.stderr
    assert "reason" not in result.stdout
