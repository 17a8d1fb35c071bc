"""The documentation says what the commands do: `docs/cli.md` is their help, README runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tfinspect_cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCS = sorted((ROOT / "docs").glob("*.md"))


def _help(*arguments):
    names = {"prog_name": "tfinspect", "terminal_width": 80}
    result = CliRunner().invoke(cli, [*arguments, "--help"], **names)
    return result.stdout.rstrip()


def _subcommands(name):
    """Returns the names of a group's commands; none of a command that is no group."""
    command = cli.get_command(click.Context(cli), name)
    return command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []


def test_command_reference_is_the_help_of_every_command(golden):
    sections = [("tfinspect", _help())]
    for name in COMMANDS:
        sections += [(f"tfinspect {name}", _help(name))]
        sections += [(f"tfinspect {name} {one}", _help(name, one)) for one in _subcommands(name)]
    text = "# Command reference\n\nGenerated from `--help`.\n"
    for title, body in sections:
        text += f"\n## {title}\n\n```text\n{body}\n```\n"
    golden(ROOT / "docs" / "cli.md", text)


def test_readme_names_every_command():
    for name in COMMANDS:
        assert f"tfinspect {name}" in README, name


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", prose):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=lambda path: path.name)
def test_shown_options_exist(path):
    for line in re.findall(r"^\$ (tfinspect .*)$", path.read_text(), flags=re.M):
        words = shlex.split(line, comments=True)
        command = next((word for word in words[1:] if word in COMMANDS), None)
        assert command, line
        allowed = set(re.findall(r"--[a-z-]+", _help(command) + _help()))
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= allowed, line


def _readme_commands():
    """Yields every command line after `$ ` in the README's console blocks."""
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.S):
        for line in block.split("\n"):
            if line.startswith("$ "):
                yield line[2:]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_readme_runs(tmp_path):
    """Runs them one after the other, as a reader would, in a copy of nothing but the pictures."""
    environment = os.environ | {
        "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],
        "TFINSPECT_CACHE": str(tmp_path / "cache"),
        "COLUMNS": "100",
    }
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    outputs = {}
    for line in _readme_commands():
        if line.startswith("make"):
            continue
        if line.startswith("tensorboard"):
            # Reads the same files and ends, in the place of serving them.
            line += " --inspect"
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        outputs[line] = done.stdout
    code = re.search(r"```python\n(.*?)```", README, flags=re.S)[1]
    code += "\nassert kernel.shape == (3, 3, 3, 16) and probabilities.shape == (4, 10)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    assert done.returncode == 0
    trained = outputs["tfinspect train --output runs/digits"]
    accuracy = re.search(r"test accuracy\s+([\d.]+)%", trained)
    assert float(accuracy[1]) >= 99.0


@pytest.mark.slow
def test_make_run_goes_through(tmp_path):
    """The whole of `make run` with a network small enough to be quick."""
    arguments = [f"VENV={sys.prefix}", f"RUN_DIR={tmp_path / 'run'}"]
    arguments += ["TRAIN_OPTIONS=--depth 8 --width 0.25 --epochs 1 --batch-size 512"]
    done = subprocess.run(
        ["make", "--assume-old", f"{sys.prefix}/.installed", "run", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout


# What names the same in every command, and how its value is called.
_METAVARS = {
    "--output": {"DIR", "FILE"},
    "--data": {"DATA"},
    "--config": {"FILE"},
    "--checkpoint": {"PATH"},
    "--net": {"NAME"},
}


def _commands():
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        yield command
        for one in _subcommands(name):
            yield command.get_command(click.Context(command), one)


@pytest.mark.parametrize("command", list(_commands()), ids=lambda one: one.name)
def test_options_are_described_in_the_same_words(command):
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    assert [one.name for one in options if "repeatable" in one.help] == []
    named = {flag: one.metavar for one in options for flag in one.opts if flag in _METAVARS}
    assert {flag: name for flag, name in named.items() if name not in _METAVARS[flag]} == {}
