"""Commands that work for minutes refuse at once what they could not write in the end."""

import pytest
from click.testing import CliRunner
from oracle_files import KERAS3

from tfinspect_cli.main import cli

COMMANDS = {
    "report": ["report", str(KERAS3 / "model.keras"), "--output"],
    "csv": ["gradients", "missing", "--norms-csv"],
    "pictures": ["gradients", "missing", "--output"],
    "arrays": ["gradients", "missing", "--arrays"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_place_below_a_file_is_refused(name, tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(cli, [*COMMANDS[name], str(tmp_path / "file" / "out.html")])
    assert result.exit_code == 2
    assert "is no directory; give another" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["report", "csv"])
def test_directory_in_place_of_a_file_is_refused(name, tmp_path):
    result = CliRunner().invoke(cli, [*COMMANDS[name], str(tmp_path)])
    assert result.exit_code == 2
    assert "it is a directory; give a file in it" in result.stderr


def test_nothing_is_created_for_an_error_that_follows(tmp_path):
    result = CliRunner().invoke(cli, [*COMMANDS["pictures"], str(tmp_path / "new" / "out")])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
