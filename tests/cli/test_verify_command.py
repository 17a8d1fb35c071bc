import json

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_weights import NET, tiny_weights

from tfinspect.training import checkpoints
from tfinspect_cli.main import cli


def invoke(*arguments):
    return CliRunner().invoke(cli, ["verify", *map(str, arguments)])


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    prefix = str(tmp_path_factory.mktemp("changed") / "model.ckpt")
    name = "resnet/stage3/unit1/conv2/weights"
    values = tiny_weights().values
    checkpoints.save(prefix, values | {name: np.float32(1.1) * values[name]})
    return prefix


def test_sound_checkpoint_exits_with_0_and_a_row_per_check():
    result = invoke(tiny_weights().v1, "--net", NET, "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert all(row["passed"] for row in rows)
    assert rows[-1]["check"] == "fingerprint"


def test_divergence_exits_with_1_and_names_the_first_end_point(changed):
    result = invoke(tiny_weights().v2, "--net", NET, "--against", changed, "--format", "json")
    assert result.exit_code == 1
    diverging = [row["end_point"] for row in json.loads(result.stdout) if row["diverges"]]
    assert diverging[0] == "stage3/unit1"
    assert "The first end point that diverges is 'stage3/unit1'." in result.stderr


def test_against_another_artifact_the_checks_stay_in_json():
    result = invoke(
        tiny_weights().v2, "--net", NET, "--against", tiny_weights().v1, "--format", "json"
    )
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert len({tuple(row) for row in rows}) == 1
    checks = [row["check"] for row in rows if row["check"] is not None]
    assert checks[-1] == "fingerprint"
    assert all(row["passed"] for row in rows if row["check"] is not None)
    assert any(row["end_point"] is not None for row in rows)
    assert all((row["check"] is None) != (row["end_point"] is None) for row in rows)


def test_two_tables_stand_apart():
    result = invoke(tiny_weights().v2, "--net", NET, "--against", tiny_weights().v1)
    checks, end_points = result.stdout.split("\n\n")
    assert (checks.split()[0], end_points.split()[0]) == ("check", "end_point")


def test_golden_logits_of_an_earlier_run_are_compared(changed, tmp_path):
    golden = tmp_path / "golden.json"
    written = invoke(tiny_weights().v2, "--net", NET, "--write-golden", golden)
    assert written.exit_code == 0
    assert f"Wrote {golden}" in written.stderr
    result = invoke(changed, "--net", NET, "--golden", golden)
    assert result.exit_code == 1
    assert "Failed: golden logits agree: largest difference" in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--net", "cifar_resnet14_v1"], "fits 'cifar_resnet8_v1' best"),
        (["--net", NET, "--golden", "none.json"], "none.json"),
        (["--net", NET, "--against", "none.ckpt"], "there is no 'none.ckpt'"),
    ],
)
def test_wrong_input_is_one_line_with_exit_2(options, words):
    result = invoke(tiny_weights().v2, *options)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("place", ["checkpoint", "against"])
def test_what_is_no_artifact_is_told_before_its_network_is_asked_for(tmp_path, place, monkeypatch):
    monkeypatch.setattr("tfinspect.verification.verify", None)
    (tmp_path / "README.md").write_text("text")
    given = tmp_path / "README.md"
    result = (
        invoke(given) if place == "checkpoint" else invoke(tiny_weights().v2, "--against", given)
    )
    assert result.exit_code == 2
    assert "README.md' is of none of the known formats" in result.stderr
