import click
import pytest
from click.testing import CliRunner

from tfinspect_cli.main import cli
from tfinspect_cli.sections import SECTIONS

COMMANDS = ("train", "finetune")


def options(name):
    command = cli.get_command(click.Context(cli), name)
    return {one.name: one for one in command.params if one.param_type_name == "option"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_one_section(name):
    counted = [one for names in SECTIONS.values() for one in names]
    assert len(counted) == len(set(counted))
    assert set(options(name)) <= set(counted)


def test_no_section_names_an_option_that_no_command_has():
    known = {option for name in COMMANDS for option in options(name)}
    assert {one for names in SECTIONS.values() for one in names} <= known


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_every_option_once_below_its_section(name):
    lines = CliRunner().invoke(cli, [name, "--help"], terminal_width=200).stdout.splitlines()
    title, found = None, {}
    for line in lines:
        if line and not line.startswith(" ") and line.endswith(":"):
            title = line[:-1]
        elif line.startswith("  -"):
            found.setdefault(line.split()[0].rstrip(","), []).append(title)
    assert found["-h"] == ["Other options"]
    for option in options(name).values():
        [section] = found[option.opts[0]]
        assert option.name in SECTIONS[section]
