import subprocess
import sys

import pytest
from click.testing import CliRunner

from tfinspect.errors import TfinspectError, TrainingInterruptedError
from tfinspect_cli.main import COMMANDS, cli


def invoke(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def test_unknown_command_names_the_nearest_and_exits_2():
    result = invoke("tran")
    assert result.exit_code == 2
    assert "Error: no command 'tran'; nearest: 'train'" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name):
    result = invoke(name, "--help")
    assert result.exit_code == 0, result.output
    assert "Example: tfinspect " in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_page_lists_every_command(name):
    assert f"\n  {name} " in invoke("--help").stdout


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (TfinspectError("no file 'x'; give another."), 2, "Error: no file 'x'; give another.\n"),
        (TrainingInterruptedError("stopped."), 130, "Stopped.\n"),
        (
            ZeroDivisionError("by zero"),
            2,
            "Error: ZeroDivisionError: by zero (not foreseen: --debug shows where; please report "
            "it)\n",
        ),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_errors_are_one_line_and_an_exit_status(monkeypatch, error, status, line):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("tfinspect.training.run.train", fail)
    result = invoke("train")
    # After Ctrl-C click ends the terminal's line first.
    assert (result.exit_code, result.stderr.lstrip("\n"), result.stdout) == (status, line, "")


def test_traceback_is_shown_with_debug(monkeypatch):
    def fail(*args, **kwargs):
        raise TfinspectError("broken")

    monkeypatch.setattr("tfinspect.training.run.train", fail)
    try:
        result = invoke("--debug", "train")
    finally:
        invoke("train", "--help")
    assert "Traceback" in result.stderr


CHATTER = """
import os, sys, warnings
from tfinspect_cli.main import cli
from tfinspect_cli import train
def chatter(**_):
    os.write(2, b"native chatter\\n")
    warnings.warn("a warning", UserWarning)
    import tensorflow
    print("ours", file=sys.stderr)
train.command.callback = chatter
cli(sys.argv[1:], standalone_mode=False)
"""


@pytest.mark.slow
def test_chatter_reaches_the_terminal_only_with_verbose():
    def stderr(*arguments):
        command = [sys.executable, "-c", CHATTER, *arguments, "train"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr

    assert stderr() == "ours\n"
    loud = stderr("--verbose")
    assert "native chatter" in loud
    assert "a warning" in loud
    assert "ours" in loud
