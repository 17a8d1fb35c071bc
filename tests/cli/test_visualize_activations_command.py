import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tiny_run import copy_run

from tfinspect.model import load_model
from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copy_run(tmp_path_factory.mktemp("command")).path


@pytest.fixture(scope="module")
def loaded(run):
    return load_model(run)


@pytest.fixture
def invoke(run, loaded, tmp_path, monkeypatch):
    """Runs the command on the run, whose model costs no time to load."""
    monkeypatch.setattr("tfinspect.model.load_model", lambda *_, **__: loaded)
    monkeypatch.chdir(tmp_path)
    draw = np.random.RandomState(0).randint
    Image.fromarray(draw(0, 256, (32, 32, 3), np.uint8)).save("a.png")
    (tmp_path / "text.png").write_text("no image")

    def invoked(*arguments):
        return CliRunner().invoke(cli, ["visualize-activations", run, *arguments])

    return invoked


def test_table_has_a_row_per_tensor_and_no_silent_column(invoke, tmp_path):
    result = invoke("a.png", "--op-type", "Relu", "--max-tensors", "2")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:4] == ["name", "end_point", "op_type", "shape"]
    assert {"nan", "saturated", "file"}.isdisjoint(lines[0].split())
    assert len(lines) == 4
    assert sorted(path.name for path in (tmp_path / "activations").iterdir()) == [
        "1-conv1.png",
        "2-stage3_unit1.png",
    ]


def test_json_has_every_column_and_the_file(invoke):
    result = invoke("a.png", "--end-point", "conv1", "--format", "json", "--output", "out")
    (row,) = json.loads(result.stdout)
    assert (row["name"], row["file"]) == ("resnet/conv1/Relu:0", "out/1-conv1.png")
    assert {"zeros", "saturated", "dead", "nan", "inf"} <= set(row)


@pytest.mark.parametrize(("bound", "status"), [("0", 1), ("1", 0)])
def test_an_alarm_is_said_and_is_the_exit_status(invoke, bound, status):
    result = invoke("a.png", "--end-point", "conv1", "--alarm", f"zeros>{bound}")
    assert result.exit_code == status
    assert ("Alarm: resnet/conv1/Relu:0: zeros is 0." in result.stderr) == bool(status)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alarm", "drift>0.5"], "'drift>0.5' compares with other images"),
        (["--net", "nope"], "no network 'nope'"),
        (["--output", "a.png/out"], "a.png' is no directory"),
        (["--tensorboard", "a.png"], "a.png' is no directory"),
    ],
)
def test_what_the_arguments_alone_show_is_told_before_anything_is_read(
    invoke, monkeypatch, arguments, message
):
    monkeypatch.setattr("tfinspect.activation_pictures.look.read_images", None)
    result = invoke("a.png", *arguments)
    assert result.exit_code == 2
    assert message in str(result.exception) + result.stderr


def test_explain_draws_three_pictures_of_the_class(invoke, tmp_path):
    result = invoke("a.png", "--end-point", "conv1", "--explain", "0")
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "activations").iterdir()}
    assert {"grad-cam.png", "integrated-gradients.png", "smooth-grad.png"} <= names


def test_one_method_is_drawn_where_one_is_asked_for(invoke, tmp_path):
    invoke("a.png", "--end-point", "conv1", "--grad-cam-tensor", "conv1")
    names = {path.name for path in (tmp_path / "activations").iterdir()}
    assert names == {"1-conv1.png", "grad-cam.png"}


def test_with_tensorboard_alone_no_picture_is_written(invoke, tmp_path):
    result = invoke("a.png", "--end-point", "conv1", "--tensorboard", "logs")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "activations").exists()
    assert len(list((tmp_path / "logs").iterdir())) == 1


def test_a_reference_adds_columns(invoke):
    result = invoke("a.png", "--end-point", "conv1", "--reference", "a.png", "--format", "csv")
    assert "drift,shift,std_ratio,channel,channel_shift" in result.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "Error: no image 'nowhere.png'"),
        (["a.png", "--reference", "gone"], "Error: no image 'gone'"),
        (["text.png"], "Error: image 'text.png' is in no image format that is known"),
        (["a.png", "--tensor", "resnet/conv1/Rel"], "nearest: 'resnet/conv1/Relu:0'"),
        (["a.png", "--alarm", "zero>1"], "Error: no metric 'zero'"),
        (["a.png", "--alarm", "drift>1"], "give them with --reference"),
        (["a.png", "--explain", "cat"], "Error: the model has no class 'cat'"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(invoke, tmp_path, arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert not (tmp_path / "activations").exists()
