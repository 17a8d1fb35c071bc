import json

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
    assert result.stderr.startswith("1 network;")


def test_pattern_that_is_found_nowhere_is_wrong_usage():
    result = _run("--match", "resnext")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: the pattern 'resnext' is found in no network's name; ")
