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
    "arrays file": ["gradients", "missing", "--arrays"],
    "confusion": ["evaluate", "missing", "--confusion"],
    "contact sheet": ["check-records", "missing", "--contact-sheet"],
    "golden": ["verify", "missing", "--write-golden"],
    "page": ["visualize-weights", str(KERAS3 / "model.keras"), "--output"],
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


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("report", "out.html"),
        ("csv", "out.csv"),
        ("arrays file", "out.h5"),
        ("confusion", "out.png"),
        ("contact sheet", "out.png"),
        ("golden", "out.json"),
        ("page", "out.png"),
    ],
)
def test_missing_directory_of_a_file_is_refused_before_the_work(name, file, tmp_path):
    place = tmp_path / "nodir"
    result = CliRunner().invoke(cli, [*COMMANDS[name], str(place / file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: cannot write '{place / file}': there is no directory '{place}'; make it, or give "
        "another.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "file"), [("contact sheet", "x.jpg"), ("confusion", "x.txt")])
def test_png_under_another_ending_is_refused(name, file, tmp_path):
    result = CliRunner().invoke(cli, [*COMMANDS[name], str(tmp_path / file)])
    assert result.exit_code == 2
    assert f"{file}' would hold a PNG picture; end its name with .png." in result.stderr


def test_nothing_is_created_for_an_error_that_follows(tmp_path):
    result = CliRunner().invoke(cli, [*COMMANDS["pictures"], str(tmp_path / "new" / "out")])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
