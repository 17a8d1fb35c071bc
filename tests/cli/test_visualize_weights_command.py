import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from made_kernels import faulty, kernel, written
from oracle_files import CKPT_V2
from PIL import Image

from tfinspect.plots.grid import SCALES
from tfinspect.probe.filter_order import ORDERS
from tfinspect.probe.filter_tiles import LAYOUTS
from tfinspect_cli.filter_options import filter_options
from tfinspect_cli.main import cli


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "k.h5", {"conv1/kernel": faulty(), "fc/kernel": kernel(64, 10)})
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli, ["visualize-weights", *map(str, arguments)])


def test_path_is_on_stdout_and_findings_on_stderr():
    result = run("k.h5")
    assert (result.exit_code, result.stdout) == (0, "k.h5-conv1.kernel.png\n")
    assert "Note: the first convolution by name on 3 channels: conv1/kernel" in result.stderr
    assert "conv1/kernel: 1 dead, 1 duplicated, 1 nan of 7 filters." in result.stderr


def test_every_written_file_is_one_line(place):
    result = run("k.h5", "--all", "--output", "a.svg", "--per-layer", "d", "--svg")
    assert result.stdout.split() == ["a.svg", "d/conv1.kernel.svg", "d/fc.kernel.svg"]
    assert all((place / name).exists() for name in result.stdout.split())


def test_json_is_a_record_for_each_layer():
    rows = json.loads(run("k.h5", "--all", "--format", "json").stdout)
    assert [row["variable"] for row in rows] == ["conv1/kernel", "fc/kernel"]
    assert set(rows[0]) >= {"file", "variable", "filters", "dead", "duplicated", "nan"}


@pytest.mark.parametrize(
    "options",
    [
        ["--layout", "channels", "--max-filters", 3, "--max-channels", 2],
        ["--order", "similarity", "--columns", 2, "--scale", "fixed", "--limits", -1, 1],
        ["--match", "fc", "--image-shape", "8x8x1", "--scale", "per-filter"],
        ["--compare", "k.h5", "--exclude", "fc"],
    ],
)
def test_options_are_taken(options, place):
    result = run("k.h5", "--output", "out.png", *options)
    assert (result.exit_code, result.stdout) == (0, "out.png\n"), result.stderr
    assert (place / "out.png").stat().st_size > 0


@pytest.fixture
def exported(place):
    """The same layers below one more scope, as our SavedModels have them."""
    layers = {"network/conv1/kernel": faulty(), "network/fc/kernel": kernel(64, 10)}
    return written(place / "exported.h5", layers)


@pytest.mark.parametrize(
    ("one", "two", "rule"),
    [("k.h5", "exported.h5", "^=>network/"), ("exported.h5", "k.h5", "^network/=>")],
)
def test_other_prefix_is_answered_with_the_rule_that_cures_it(one, two, rule, exported):
    refused = run(one, "--compare", two, "--all")
    assert refused.exit_code == 2
    assert f"under another prefix there are 2: --rename '{rule}' finds them" in refused.stderr
    result = run(one, "--compare", two, "--all", "--rename", rule, "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)) == 2


def test_renamed_layers_are_compared_by_their_values(exported, place):
    written(place / "plain.h5", {"conv1/kernel": faulty(), "fc/kernel": kernel(64, 10)})
    run("k.h5", "--compare", "plain.h5", "--output", "one.png")
    run("k.h5", "--compare", "exported.h5", "--rename", "^=>network/", "--output", "two.png")
    with Image.open("one.png") as one, Image.open("two.png") as two:
        assert one.size == two.size
        # The last line names the files.
        cut = (0, 0, one.width, one.height - 40)
        assert one.crop(cut).tobytes() == two.crop(cut).tobytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["k.h5", "--match", "conv7"], "Error: the pattern 'conv7' is found in no name; nearest: "),
        (["k.h5", "--scope", "con"], "Error: no variable or op in scope 'con'"),
        (["k.h5", "--output", "x.jpg"], "Error: 'x.jpg' names no format of pictures"),
        (["k.h5", "--limits", "2", "1"], "Error: limits 2 and 1 make no scale"),
        (["k.h5", "--limits", "0", "0"], "0 twice makes no scale; give two numbers"),
        (["k.h5", "--image-shape", "8x8"], "'8x8' is no image; give HEIGHTxWIDTHxCHANNELS"),
        (["k.h5", "--image-shape", "9x9x1"], "Error: no dense layer takes images of 9 x 9 x 1"),
        (["k.h5", "--layout", "rgb", "--match", "fc"], "Error: filters of 64 channels cannot"),
        (["none.ckpt"], "'none.ckpt'; there are: 'k.h5'"),
        (["k.h5", "--compare", "none.ckpt"], "'none.ckpt'; there are: 'k.h5'"),
        (["k.h5", "--rename", "^=>a/"], "give that, too"),
        (["k.h5", "--compare", "k.h5", "--rename", "^=>a/"], "lead to 'a/conv1/kernel' and others"),
        (["k.h5", "--compare", "k.h5", "--rename", "x=>a"], "'x=>a' matches no variable of 'k.h5'"),
        (["k.h5", "--compare", "k.h5", "--rename", "^.*=>fc/kernel"], "lead both 'conv1/kernel'"),
        (["k.h5", "--compare", "k.h5", "--rename", "a"], "'a' is no rename rule"),
    ],
)
def test_wrong_usage_is_status_2_and_leaves_nothing(arguments, message, place):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert [path.name for path in place.iterdir()] == ["k.h5"]


def test_choices_are_those_of_the_library():
    command = filter_options(lambda: None)
    choices = {parameter.name: parameter.type for parameter in command.__click_params__}
    assert tuple(choices["layout"].choices) == LAYOUTS
    assert tuple(choices["order"].choices) == ORDERS
    assert tuple(choices["scale"].choices) == SCALES


def test_process_imports_neither_tensorflow_nor_matplotlib():
    arguments = ["visualize-weights", str(CKPT_V2), "--output", "x.png"]
    code = (
        "import sys; from tfinspect_cli.main import cli; "
        f"cli({arguments}, standalone_mode=False); "
        "print(*sorted({'tensorflow', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "x.png\n\n"
