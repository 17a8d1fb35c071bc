"""What a terminal would obey, in names of variables, files and members."""

import os
import pty
import subprocess
import sys
import tarfile

import pytest
from attacks import ESCAPES, named_weights
from click.testing import CliRunner

from tfinspect_cli.main import cli

FORMATS = ["table", "json", "csv", "markdown", "tree"]


def on_a_terminal(*arguments):
    """Runs `tfinspect` with a terminal as output and error; returns what the terminal got."""
    command = [sys.executable, "-m", "tfinspect_cli", *map(str, arguments)]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    told = b""
    try:
        while part := os.read(ours, 1 << 16):
            told += part
    except OSError:
        # The other end is closed.
        pass
    finally:
        os.close(ours)
    process.wait()
    return told


@pytest.mark.parametrize("output_format", FORMATS)
def test_names_of_variables_do_not_reach_a_terminal_as_they_are(tmp_path, output_format):
    path = named_weights(tmp_path / "evil.weights.h5", ESCAPES)
    told = on_a_terminal("list-vars", path, "--format", output_format)
    assert b"owned" in told
    assert b"\x1b" not in told
    assert b"\x07" not in told


def test_csv_for_a_program_has_the_very_name(tmp_path):
    path = named_weights(tmp_path / "evil.weights.h5", ESCAPES)
    result = CliRunner().invoke(cli, ["list-vars", str(path), "--format", "csv"])
    assert f"layers/{ESCAPES}/0" in result.stdout


def test_name_of_a_missing_file_does_not_reach_a_terminal_as_it_is(tmp_path):
    told = on_a_terminal("list-vars", tmp_path / f"{ESCAPES}.h5")
    assert b"owned" in told
    assert b"\x1b" not in told


def test_member_of_an_archive_does_not_reach_a_terminal_as_it_is(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(f"../{ESCAPES}"))
    told = on_a_terminal("convert", tmp_path / "evil.tar", tmp_path / "out")
    assert b"owned" in told
    assert b"\x1b[2J" not in told
    assert b"\x07" not in told
    assert os.listdir(tmp_path) == ["evil.tar"]
