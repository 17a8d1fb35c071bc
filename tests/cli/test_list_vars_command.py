import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from graph_files import META_GRAPH
from oracle_files import CKPT_V1, CKPT_V2, OBJECT_BASED, broken_copy

from tfinspect_cli.emit import terminal_width
from tfinspect_cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["list-vars", *map(str, arguments)])


def test_json_has_every_column():
    result = _run(CKPT_V2, "--scope", "tower_0/conv3/weights", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [
        {
            "name": "tower_0/conv3/weights",
            "shape": [1, 1, 12, 5],
            "dtype": "float32",
            "parameters": 60,
            "bytes": 240,
            "trainable": None,
            "collections": [],
            "slot": False,
            "key": "tower_0/conv3/weights",
            "shard": "model.ckpt-4200000001.data-00000-of-00001",
        }
    ]


def test_totals_leave_slots_out_and_say_so():
    result = _run(CKPT_V1)
    assert result.exit_code == 0, result.output
    assert "Total: 24 variables" in result.stderr
    assert "Left out: 21 optimizer slots; --optimizer" in result.stderr


def test_optimizer_slots_are_listed_when_asked_for():
    result = _run(OBJECT_BASED, "--optimizer", "--scope", "optimizer", "--format", "csv")
    assert "optimizer/Adam/m/conv1/kernel" in result.stdout
    assert "left out" not in result.stderr


def test_scopes_are_added_up():
    result = _run(CKPT_V2, "--by-scope", "--depth", "1", "--format", "json")
    sums = {row["scope"]: row["variables"] for row in json.loads(result.stdout)}
    assert sums == {"extras": 20, ".": 1, "tower_0": 9}


@pytest.mark.parametrize("output_format", ["table", "tree", "markdown"])
def test_formats_for_people_leave_out_empty_columns(output_format):
    result = _run(CKPT_V2, "--format", output_format)
    assert result.exit_code == 0, result.output
    assert "collections" not in result.stdout
    assert "weights" in result.stdout


def test_sizes_sort_largest_first():
    rows = json.loads(_run(CKPT_V2, "--sort", "size", "--format", "json").stdout)
    assert rows[0]["name"] == "tower_0/conv2/weights"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scope", "tower_0/conv"], "no variable or op in scope 'tower_0/conv'"),
        (["--match", "nothing"], "the pattern 'nothing' is found in no name"),
        (["--trainable"], "this file does not say which variables are trainable"),
        (["--depth", "2"], "--depth says how deep --by-scope goes"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, message):
    result = _run(CKPT_V2, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Error: {message}" in result.stderr


def test_missing_artifact_is_status_2(tmp_path):
    result = _run(tmp_path / "model.ckpt")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: there is no")


LISTING = """
import sys
from tfinspect_cli.main import cli
cli(["list-vars", sys.argv[1]], standalone_mode=False)
heavy = {"numpy", "rich", "h5py", "tensorflow", "tensorboard", "matplotlib", "google.protobuf"}
sys.exit(",".join(sorted(heavy & set(sys.modules))) or 0)
"""


@pytest.mark.parametrize("prefix", [CKPT_V1, CKPT_V2], ids=["V1", "V2"])
def test_listing_imports_nothing_heavy(prefix):
    command = [sys.executable, "-c", LISTING, str(prefix)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_output_without_unicode_is_still_written():
    command = [sys.executable, "-m", "tfinspect_cli", "list-vars", str(CKPT_V2), "--format", "tree"]
    process = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "ascii"})
    assert process.returncode == 0, process.stderr
    assert b"|- conv1" in process.stdout


def test_statistics_are_added_to_the_rows():
    result = _run(CKPT_V2, "--stats", "--match", "special", "--format", "json")
    (row,) = json.loads(result.stdout)
    assert (row["name"], row["nan"], row["inf"]) == ("extras/special", 1, 2)


def test_findings_make_the_exit_status_1():
    result = _run(CKPT_V2, "--health", "--format", "json")
    assert result.exit_code == 1
    findings = {row["finding"] for row in json.loads(result.stdout)}
    assert findings == {"nan", "inf", "denormal"}


def test_healthy_variables_are_status_0():
    result = _run(CKPT_V2, "--health", "--scope", "tower_0")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 findings in 9 variables" in result.stderr


def test_two_views_at_once_are_refused():
    result = _run(CKPT_V2, "--health", "--stats")
    assert result.exit_code == 2
    assert "give one of --by-scope, --stats and --health" in result.stderr


@pytest.mark.parametrize("view", ["--stats", "--health"])
def test_values_of_a_meta_graph_alone_are_refused(view):
    result = _run(META_GRAPH, view)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has a value that can be read" in result.stderr
    assert "open the checkpoint that belongs to it" in result.stderr


def test_variables_without_statistics_are_told():
    result = _run(CKPT_V2, "--stats", "--match", "class_names|special")
    assert result.exit_code == 0
    assert "have no statistics and were not looked at: they are string." in result.stderr


@pytest.mark.parametrize(
    ("redirected", "reason"), [(">&-", "it is closed"), (">/dev/full", "No space left on device")]
)
def test_output_that_cannot_be_written_is_told(redirected, reason):
    command = f"{sys.executable} -m tfinspect_cli list-vars {CKPT_V2} {redirected}"
    process = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr == f"Error: standard output cannot be written: {reason}.\n"


def test_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m tfinspect_cli list-vars {CKPT_V2} | true"
    process = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (0, "")
    assert "Error" not in process.stderr


@pytest.mark.parametrize(("told", "width"), [("40", 40), ("wide", 71), ("0", 71), ("", 71)])
def test_width_is_the_environments_or_the_terminals(monkeypatch, told, width):
    monkeypatch.setenv("COLUMNS", told)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1)
    monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: os.terminal_size((71, 20)))
    assert terminal_width() == width


def test_broken_value_leaves_the_other_statistics_and_is_status_1(tmp_path):
    prefix = broken_copy(CKPT_V2, tmp_path, "tower_0/conv3/weights")
    result = _run(prefix, "--stats", "--scope", "tower_0", "--format", "json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert (rows.pop("tower_0/conv3/weights")["mean"], len(rows)) == (None, 8)
    assert "Note: 1 broken value. The first: " in result.stderr
    assert None not in {row["mean"] for row in rows.values()}


def test_narrow_terminal_gets_fewer_columns_and_a_note(monkeypatch):
    monkeypatch.setattr("tfinspect_cli.emit.terminal_width", lambda: 80)
    result = _run(CKPT_V2, "--stats", "--scope", "tower_0")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "Note: 80 characters a line are too few for bytes" in result.stderr
    assert {"min", "max", "mean", "std", "norm"} <= set(result.stdout.split())


def test_tree_of_findings_has_all_of_them():
    result = _run(CKPT_V2, "--health", "--format", "tree")
    assert [line.split()[2] for line in result.stdout.splitlines()[3:]] == [
        "nan",
        "inf",
        "denormal",
    ]


def test_reader_of_messages_that_has_seen_enough_is_no_error():
    listing = f"{sys.executable} -m tfinspect_cli list-vars {CKPT_V2}"
    command = f"exec 3>&1; {{ {listing}; echo $? >&3; }} 2>&1 | true"
    process = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (process.stdout, process.stderr) == ("0\n", "")
