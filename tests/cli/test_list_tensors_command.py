"""`tfinspect list-tensors`: what goes to stdout, what to stderr, and the exit status."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from graph_files import FROZEN, META_GRAPH, TF1_SAVED_MODEL, TF2_SAVED_MODEL

from tfinspect_cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["list-tensors", *map(str, arguments)])


def _rows(*arguments):
    result = _run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_json_has_the_documented_keys():
    (row,) = _rows(META_GRAPH, "--scope", "tower_0/conv1/Relu")
    assert row == {
        "name": "tower_0/conv1/Relu:0",
        "op": "tower_0/conv1/Relu",
        "op_type": "Relu",
        "dtype": "float32",
        "shape": [None, 8, 8, 8],
        "device": "/cpu:0",
        "function": None,
    }


def test_table_shows_unknown_sizes_and_the_total():
    result = _run(META_GRAPH, "--op-type", "Relu")
    assert "tower_0/conv1/Relu:0" in result.stdout
    assert "[?, 8, 8, 8]" in result.stdout
    assert result.stderr == "Total: 2 tensors of 2 ops.\n"


def test_signatures_say_what_to_feed_and_to_fetch():
    (fed,) = _rows(TF1_SAVED_MODEL, "--placeholders")
    assert (fed["name"], fed["signature"]) == ("input:0", "serving_default: images")
    fetched = {row["name"]: row["signature"] for row in _rows(TF1_SAVED_MODEL, "--outputs")}
    assert fetched == {
        "class_name:0": "serving_default: class_name",
        "tower_0/logits:0": "serving_default: logits",
        "tower_0/probabilities:0": "serving_default: probabilities",
    }


def test_frozen_graph_without_signatures_tells_its_ends():
    assert [row["name"] for row in _rows(FROZEN, "--outputs")] == ["tower_0/probabilities:0"]
    assert [row["name"] for row in _rows(FROZEN, "--placeholders")] == ["input:0"]


def test_counts_are_by_op_type():
    assert {"op_type": "Conv2D", "ops": 3} in _rows(FROZEN, "--counts")


def test_scopes_are_counted():
    assert _rows(FROZEN, "--by-scope", "--depth", "1") == [
        {"scope": ".", "ops": 1, "tensors": 1},
        {"scope": "tower_0", "ops": 39, "tensors": 44},
    ]


def test_functions_are_told_apart():
    name = "__inference__wrapped_model_3815"
    rows = _rows(TF2_SAVED_MODEL, "--function", name, "--op-type", "Conv2D")
    assert {row["function"] for row in rows} == {name}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scope", "tower_0/conv"], "Error: no variable or op in scope 'tower_0/conv'"),
        (["--op-type", "Conv2d"], "Error: no op of type 'Conv2d' here; nearest: 'Conv2D'"),
        (["--inputs-of", "a", "--outputs"], "--inputs-of and --outputs ask different questions"),
        (["--counts", "--by-scope"], "--by-scope and --counts are two views"),
        (["--depth", "2"], "--depth says how deep --by-scope goes"),
    ],
)
def test_wrong_use_exits_with_2(arguments, message):
    result = _run(FROZEN, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_missing_file_exits_with_2():
    result = _run("nowhere.pb")
    assert result.exit_code == 2
    assert "Error: there is no 'nowhere.pb'" in result.stderr


def test_listing_imports_neither_tensorflow_nor_numpy():
    code = (
        "import sys; from tfinspect_cli.main import cli; "
        f"cli(['list-tensors', {str(META_GRAPH)!r}, '--counts'], standalone_mode=False); "
        "sys.exit(bool({'tensorflow', 'numpy', 'rich', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_inputs_of_an_op_are_listed():
    names = {row["name"] for row in _rows(FROZEN, "--inputs-of", "tower_0/conv1/Conv2D")}
    assert names == {"input:0", "tower_0/conv1/weights/read:0"}


def test_consumers_of_a_tensor_are_listed():
    names = {row["op"] for row in _rows(FROZEN, "--consumers-of", "input:0")}
    assert names == {"tower_0/conv1/Conv2D"}


def test_shapes_are_inferred_when_asked_for():
    chosen = (FROZEN, "--op-type", "Relu", "--match", "conv1")
    assert [row["shape"] for row in _rows(*chosen)] == [None]
    assert [row["shape"] for row in _rows(*chosen, "--shapes")] == [[None, 8, 8, 8]]


def test_flops_are_counted():
    rows = _rows(META_GRAPH, "--flops", "--op-type", "Conv2D", "--scope", "tower_0/conv1")
    assert [row["flops"] for row in rows] == [2 * 8 * 8 * 8 * 27]
