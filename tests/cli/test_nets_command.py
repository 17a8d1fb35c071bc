import json

import pytest
from click.testing import CliRunner

from tfinspect_cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["nets", *arguments])


def test_json_has_every_column_of_every_network():
    result = _run("--format", "json")
    assert result.exit_code == 0, result.output
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["vgg_16"]["minimum_size"] == 224
    assert rows["cifar_resnet20_v1"]["checkpoint"] is None


def test_table_shows_the_chosen_networks():
    result = _run("--match", "resnet_v2_50")
    assert result.exit_code == 0, result.output
    assert "13,102,642,240" in result.stdout
    assert "resnet_v2_50_2017_04_14.tar.gz" in result.stdout
    assert "vgg" not in result.stdout
    assert result.stderr == "1 of 41 networks.\n"


def test_what_else_can_be_built_is_said_of_networks_that_are_listed():
    more = "; of cifar_resnet{DEPTH}_{v1|v2|bottleneck} any depth"
    assert _run().stderr.startswith(f"41 networks{more}")
    assert _run("--match", "cifar_resnet29").stderr.startswith(f"1 of 41 networks{more}")


def test_network_that_is_not_listed_and_can_be_built_is_told():
    result = _run("--match", "cifar_resnet26_v1")
    assert result.exit_code == 2
    assert "'cifar_resnet26_v1' is not listed; it can be built: give it to --net" in result.stderr


def test_pattern_in_other_letters_is_answered_with_the_nearest_names():
    result = _run("--match", "VGG")
    assert result.exit_code == 2
    assert "(upper and lower case differ); nearest: 'vgg_" in result.stderr


def test_pattern_that_is_found_nowhere_is_wrong_usage():
    result = _run("--match", "resnext")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: the pattern 'resnext' is found in no network's name; ")


@pytest.mark.parametrize(("width", "left_out"), [(80, "checkpoint, paper, "), (120, "checkpoint")])
def test_narrow_terminal_breaks_no_name(width, left_out, monkeypatch):
    monkeypatch.setattr("tfinspect_cli.emit.terminal_width", lambda: width)
    result = _run("--match", "v1_50")
    lines = result.stdout.splitlines()
    assert (len(lines), lines[2].split()[0]) == (3, "resnet_v1_50")
    assert "[224, 224, 3]" in lines[2]
    assert f"Note: {width} characters a line are too few for {left_out}" in result.stderr
    assert "--format csv shows all columns" in result.stderr
