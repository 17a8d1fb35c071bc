"""`tfinspect finetune`: what it refuses at once, and what it says before it trains."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_run import copy_run
from transfer_images import NETWORK, SIZE, write_images

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect.transfer import batch_memory
from tfinspect_cli.finetune_request import request_and_config
from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A checkpoint of ten classes, and a folder of images of two."""
    folder = tmp_path_factory.mktemp("finetune")
    prefix = str(folder / "model.ckpt-1")
    network = SlimModel(get_spec(NETWORK, width=0.5), 10, seed=None)
    checkpoints.save(prefix, network.variables_by_name())
    return prefix, write_images(folder / "photos", {"a": 10, "b": 10})


def run(*arguments):
    return CliRunner().invoke(cli, ["finetune", *arguments], standalone_mode=True)


def plan(files, *more):
    prefix, data = files
    common = ("--net", NETWORK, "--width", "0.5", "--image-size", str(SIZE), "--dry-run")
    return run(prefix, "--data", data, *common, *more)


def test_dry_run_says_what_is_loaded_and_what_each_stage_trains(files):
    result = plan(files, "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["trained"] > 0 for row in rows if row["stage"] == "head"] == [False] * 4 + [True]
    assert "35 would be loaded, 2 re-initialised" in result.stderr


def test_dry_run_in_a_cluster_takes_a_process_part_of_a_batch_for_the_memory(files, monkeypatch):
    of_one_image = SIZE * SIZE * 3 * 4
    # A batch may take a quarter of it.
    monkeypatch.setattr(batch_memory, "available_memory", lambda: 4 * 5 * of_one_image)
    alone = plan(files, "--batch-size", "10")
    assert alone.exit_code == 2
    assert "a batch of 10 takes" in alone.stderr
    both = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(both))
    shared = plan(files, "--batch-size", "10")
    assert shared.exit_code == 0, shared.output
    refused = plan(files, "--batch-size", "12")
    assert "a batch of 6, one of 2 processes' part, takes" in refused.stderr


def test_table_joins_what_is_alike_and_the_report_has_every_scope(files):
    def heads(text):
        return [line.split()[1] for line in text.splitlines() if line.startswith("head ")]

    assert heads(plan(files).stdout) == ["resnet/conv1", "resnet/logits"]
    whole = plan(files, "--report")
    stages = [f"resnet/stage{number}" for number in (1, 2, 3)]
    assert heads(whole.stderr) == ["resnet/conv1", *stages, "resnet/logits"]
    assert not heads(whole.stdout)


def test_report_is_every_variable(files):
    rows = json.loads(plan(files, "--format", "json", "--report").stdout)
    assert {row["status"] for row in rows} == {"loaded", "re-initialised", "unused"}


def test_load_report_is_written_to_a_file(files, tmp_path):
    path = tmp_path / "report.json"
    assert plan(files, "--load-report", str(path)).exit_code == 0
    assert len(json.loads(path.read_text())) == 39


def test_slims_flags_are_taken(files):
    scopes = "resnet/logits,resnet/stage3"
    result = plan(
        files, "--trainable-scopes", scopes, "--checkpoint-exclude-scopes", scopes,
        "--format", "json",
    )  # fmt: skip
    rows = {row["scope"]: row for row in json.loads(result.stdout)}
    assert rows["resnet/stage3"]["trained"] > 0
    assert rows["resnet/stage2"]["trained"] == 0


def test_height_and_width_of_the_images_are_taken(files):
    rows = plan(files, "--format", "json", "--image-size", "12x8")
    assert rows.exit_code == 0, rows.output


def test_run_of_ours_is_a_checkpoint_whose_network_is_known(tmp_path):
    source = copy_run(tmp_path)
    result = run(source.path, "--data", source.data, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "35 would be loaded, 2 re-initialised" in result.stderr


@pytest.mark.parametrize(("given", "expected"), [(None, (8, 12)), ("16", (16, 16))])
def test_image_size_of_a_run_is_taken_unless_another_is_given(tmp_path, given, expected):
    source = copy_run(tmp_path)
    path = Path(source.path) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"image_shape": [8, 12, 3]}))
    lists = dict.fromkeys(("exclude_scopes", "excluded_list", "rename", "trainable_scopes"), ())
    options = {
        "data": "d",
        "image_size": given,
        "moving_average": False,
        "stages_file": None,
        "keep_classifier": False,
    }
    _, config = request_and_config(source.path, lists | options)
    assert (config.net, config.width, config.image_size) == (NETWORK, 0.5, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.ckpt", "--resume", "--output", "run"), "both --resume and a checkpoint"),
        (("--resume",), "--resume needs --output"),
        (("--resume", "--output", "run", "--head-epochs", "3"), "--head-epochs would change"),
        (("--data", "photos"), "a CHECKPOINT is missing"),
        (("model.ckpt", "--net", NETWORK), "--data is missing"),
        (("model.ckpt", "--data", "photos"), "--net is missing"),
        (("model.ckpt", "--data", "photos", "--net", "inception_v5"), "no network 'inception_v5'"),
        (("nothing.ckpt", "--data", "digits", "--net", NETWORK), "nothing.ckpt"),
        (("m", "--data", "d", "--net", NETWORK, "--rename", "a"), "'a' is no rename rule"),
    ],
)
def test_mistakes_are_one_line_with_the_cure(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]
