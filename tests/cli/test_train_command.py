import os

import pytest
from click.testing import CliRunner

from tfinspect.training.config import TrainConfig
from tfinspect.training.progress import EpochRecord
from tfinspect.training.run import TrainResult
from tfinspect_cli.main import cli

RESULT = TrainResult("runs/x", 4, 2, 0.98, 0.97, 0.1, 12.3, ())
RECORD = EpochRecord(1, 2, 0.1, 2.5, 0.25, 2.0, 0.5, 640.0, 2.0)


def invoke(*arguments):
    return CliRunner().invoke(cli, ["train", *arguments])


@pytest.fixture
def started(monkeypatch):
    """What the library was called with; it trains nothing."""
    calls = []

    def train(config, output, *, observer):
        calls.append((config, output))
        observer.on_epoch(RECORD, 2)
        return RESULT

    def resume(output, *, observer, data_service):
        calls.append(("resume", output, data_service))
        return RESULT

    monkeypatch.setattr("tfinspect.training.run.train", train)
    monkeypatch.setattr("tfinspect.training.run.resume", resume)
    return calls


def test_no_option_trains_with_every_default(started):
    result = invoke()
    assert result.exit_code == 0, result.output
    assert started == [(TrainConfig(), "runs/digits-cifar_resnet20_v1")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--summarize", "--summarize-every", "5"], "--summarize needs a value, and '--su"),
        (["--summarize", "--summarize-gradients"], "--summarize needs a value, and '--summarize-g"),
        (["--data", "--resume"], "--data needs a value, and '--resume' is an option."),
        (["--seed", "--resume"], "'--resume' is not a valid integer"),
        (["--summarize"], "Option '--summarize' requires an argument"),
    ],
)
def test_option_without_its_value_is_refused(started, arguments, message):
    result = invoke(*arguments)
    assert (result.exit_code, started) == (2, [])
    assert message in result.stderr


def test_result_goes_to_stdout_and_epochs_to_stderr(started):
    result = invoke("--output", "runs/x")
    assert result.stdout == (
        "test accuracy        97.00%\n"
        "validation accuracy  98.00%  (step 2)\n"
        "training time        12 s, 4 steps\n"
        "run directory        runs/x\n"
    )
    assert result.stderr.startswith(
        "epoch 1/2  loss 2.5000  accuracy  25.00%  validation  50.00%    640 images/s  0:0"
    )


def test_options_go_before_the_settings_file(started, tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("depth: 26\nunit: v2\nboundaries: [1, 2]\n")
    invoke("--config", str(path), "--depth", "32")
    assert started[0][0] == TrainConfig(depth=32, unit="v2", boundaries=(1.0, 2.0))


def test_summaries_are_settings_of_the_run(started):
    invoke("--summarize", "Relu|stage3", "--summarize-every", "10", "--summarize-gradients")
    expected = TrainConfig(summarize="Relu|stage3", summarize_every=10, summarize_gradients=True)
    assert started[0][0] == expected


def test_resume_needs_no_settings(started):
    assert invoke("--resume", "--output", "runs/x").exit_code == 0
    moved = invoke("--resume", "--output", "runs/x", "--data-service", "grpc://host7:5050")
    assert moved.exit_code == 0
    assert started == [("resume", "runs/x", None), ("resume", "runs/x", "grpc://host7:5050")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume"], "--resume needs --output"),
        (["--resume", "--output", "x", "--batch-size", "3"], "and --batch-size would change them"),
        (["--resume", "--output", "x", "--config", "y"], "and --config would change them"),
        (["--resume", "--output", "x", "--find-lr"], "leave --resume out"),
        (["--boundaries", "1,x"], "'1,x' is no list of numbers such as 82,123,300"),
        (["--summarize-every", "0"], "summarize_every 0 is too small; give 1 or more"),
        (["--unit", "v3"], "'v3' is not one of 'v1', 'v2', 'bottleneck'"),
        (["--learning-rate", "-1"], "learning_rate -1.0 is not positive"),
        (["--depth", "21", "--output", "x"], "21"),
    ],
)
def test_wrong_usage_exits_2_with_one_error_line(arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stderr.count("Error: ") == 1
    assert message in result.stderr
    assert not os.path.exists("x")


def test_depth_that_cannot_be_built_names_the_nearest():
    result = invoke("--depth", "21")
    assert "20" in result.stderr
    assert "26" in result.stderr
    assert "6n" in result.stderr
