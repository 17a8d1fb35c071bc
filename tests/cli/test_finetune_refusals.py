"""What `tfinspect finetune` refuses: one `Error:` line with the cure, and exit status 2."""

import os
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from transfer_images import NETWORK, SIZE, write_images

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect_cli.main import cli


def save(path, classes=10, network=NETWORK, width=0.5):
    built = SlimModel(get_spec(network, width=width), classes, seed=None)
    checkpoints.save(str(path), built.variables_by_name())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Checkpoints and folders of images, good and bad."""
    directory = tmp_path_factory.mktemp("refusals")
    save(directory / "good.ckpt")
    save(directory / "other.ckpt", network="cifar_resnet14_v2", width=1.0)
    for name in ("good.ckpt.index", "good.ckpt.data-00000-of-00001"):
        shutil.copy(directory / name, directory / name.replace("good", "cut"))
    (directory / "foreign").mkdir()
    (directory / "foreign" / "config.json").write_text('{"model_type": "resnet"}')
    for name in ("other.ckpt.index", "other.ckpt.data-00000-of-00001"):
        shutil.copy(directory / name, directory / "foreign")
    data = directory / "cut.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    write_images(directory / "photos", {"a": 10, "b": 10})
    write_images(directory / "one", {"only": 10})
    write_images(directory / "few", {"a": 1, "b": 1, "c": 1})
    write_images(directory / "broken", {"a": 10, "b": 10})
    (directory / "broken" / "b" / "04.png").write_bytes(b"no picture")
    write_images(directory / "emptied", {"a": 10, "b": 3})
    for picture in (directory / "emptied" / "b").iterdir():
        picture.write_bytes(b"no picture")
    built = SlimModel(get_spec(NETWORK, width=0.5), 10, seed=1)
    broken = {name: one.numpy() for name, one in built.variables_by_name().items()}
    broken["resnet/conv1/weights"][0] = np.nan
    checkpoints.save(str(directory / "nan.ckpt"), broken)
    (directory / "nothing.yaml").write_text("- {trainable: resnet/Logits, epochs: 1}")
    (directory / "idle.yaml").write_text("- {trainable: head, epochs: 0}")
    return directory


@pytest.fixture
def refused(place, monkeypatch):
    """Runs the command, and returns its error once it has the form that all have."""
    monkeypatch.chdir(place)

    def run(*arguments, data="photos"):
        common = ("--net", NETWORK, "--width", "0.5", "--image-size", str(SIZE), "--data", data)
        result = CliRunner().invoke(cli, ["finetune", *common, *arguments, "--output", "run"])
        *_, last = result.stderr.splitlines()
        assert result.exit_code == 2, result.output
        assert last.startswith("Error: ")
        assert result.stderr.count("Error:") == 1
        assert "Traceback" not in result.stderr
        assert not os.path.exists("run")
        return last

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("other.ckpt",), "fits 'cifar_resnet14_v2' best: give that network"),
        (("foreign",), "fits 'cifar_resnet14_v2' best: give that network"),
        (("good.ckpt", "--exclude-scope", "resnet/stage3"), "has 10 classes and the data have 2"),
        (("cut.ckpt",), "'cut.ckpt"),
        (("absent.ckpt",), "'absent.ckpt"),
        (("good.ckpt", "--exclude-scope", "resnet/logit"), "nearest: 'resnet/logits'"),
        (("good.ckpt", "--rename", "^tower/=>"), "the rename rule '^tower/=>' matches no variable"),
        (("good.ckpt", "--moving-average"), "moving averages were asked for"),
        (("good.ckpt", "--trainable-scopes", "resnet/Logits"), "trains nothing in 'resnet/Logits'"),
        (("good.ckpt", "--stages", "nothing.yaml"), "trains nothing in 'resnet/Logits'"),
        (("good.ckpt", "--stages", "idle.yaml"), "trains nothing: epochs 0"),
        (("good.ckpt", "--stages", "absent.yaml"), "absent.yaml"),
        (("good.ckpt", "--head-epochs", "0", "--tune-epochs", "0"), "give one of them 1 or more"),
        (("good.ckpt", "--image-size", "0"), "'0' is no size; write 331, or 240x320"),
        (("good.ckpt", "--image-size", "8x"), "'8x' is no size"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_cure(refused, arguments, words):
    assert words in refused(*arguments)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("one", "has one class only ('only'); a classifier needs two or more"),
        ("few", "has too few images for the split 'validation'"),
        ("broken", "b/04.png' is in no image format that is known"),
        ("absent", "no data 'absent'"),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused_with_the_cure(refused, data, words):
    assert words in refused("good.ckpt", data=data)


def test_corrupt_images_name_the_option_that_leaves_them_out(refused):
    assert "--skip-corrupt" in refused("good.ckpt", data="broken")


def test_too_small_images_are_answered_with_the_smallest_size(refused):
    smaller = ("--net", "inception_v3", "--width", "1", "--image-size", "60")
    assert "at least 75x75" in refused("good.ckpt", *smaller)


def test_resuming_and_beginning_anew_are_not_guessed(refused):
    assert "both --resume and a checkpoint ('good.ckpt')" in refused("good.ckpt", "--resume")


@pytest.mark.parametrize(
    "given",
    [
        ("--head-epochs", "0"),
        ("--tune-epochs", "0"),
        ("--seed", "0"),
        ("--batch-size-per-replica", "4"),
        ("--weight-decay", "0"),
        ("--no-random-features",),
        ("--skip-corrupt",),
        ("--checkpoint-exclude-scopes", "resnet/logits"),
        ("--stages", "stages.yaml"),
        ("--report",),
    ],
    ids=lambda given: given[0],
)
def test_settings_that_a_resumed_run_would_not_take_are_refused(given):
    result = CliRunner().invoke(cli, ["finetune", "--resume", "--output", "absent", *given])
    assert result.exit_code == 2
    assert f"--resume takes the run's own settings, and {given[0]} would change them" in (
        result.stderr
    )


def test_resuming_alone_looks_for_the_run():
    result = CliRunner().invoke(cli, ["finetune", "--resume", "--output", "absent"])
    assert result.exit_code == 2
    assert "no run directory 'absent'; `tfinspect finetune CHECKPOINT --data" in result.stderr


def test_resuming_a_directory_without_a_run_says_what_makes_one(tmp_path):
    result = CliRunner().invoke(cli, ["finetune", "--resume", "--output", str(tmp_path)])
    assert result.exit_code == 2
    assert "has no config.json; `tfinspect finetune CHECKPOINT --data DATA" in result.stderr


@pytest.mark.parametrize("output", ["photos/run", "photos", "./one/../photos/a/run"])
def test_output_inside_the_data_is_refused_before_anything_is_read(place, monkeypatch, output):
    monkeypatch.chdir(place)
    common = ("absent.ckpt", "--net", NETWORK, "--data", "photos", "--output", output)
    result = CliRunner().invoke(cli, ["finetune", *common])
    assert result.exit_code == 2
    assert result.stderr.count("Error:") == 1
    if output != "photos":
        assert "lies inside the data 'photos'" in result.stderr
    assert not (place / "photos" / "run").exists()


def test_images_larger_than_memory_name_the_size_of_a_batch_and_the_largest(refused):
    said = refused("good.ckpt", "--image-size", "100000", "--batch-size", "8")
    assert "a batch of 8 takes 894.1 GiB before any layer" in said
    assert "give --image-size" in said


@pytest.mark.parametrize(
    ("cluster", "task", "more", "words"),
    [
        (
            '{"chief": ["a:1"], "worker": ["b:1"], "ps": ["c:1"]}',
            '{"type": "ps", "index": 0}',
            (),
            "synchronous",
        ),
        ('{"worker": ["a:1", "b:1"]}', '{"type": "evaluator"}', (), "synchronous"),
        (
            '{"worker": ["a:1", "b:1"]}',
            '{"type": "worker", "index": 1}',
            ("--find-lr",),
            "TF_CONFIG makes this worker 1 of 2; unset TF_CONFIG for it",
        ),
    ],
)
def test_clusters_that_have_no_use_are_refused_before_anything_is_loaded(
    monkeypatch, cluster, task, more, words
):
    monkeypatch.setenv("TF_CONFIG", f'{{"cluster": {cluster}, "task": {task}}}')
    result = CliRunner().invoke(cli, ["finetune", "missing.ckpt", "--data", "missing", *more])
    assert result.exit_code == 2
    assert words in result.stderr


def test_batch_is_given_over_all_processes_or_of_each():
    both = ("--batch-size", "8", "--batch-size-per-replica", "4")
    result = CliRunner().invoke(cli, ["finetune", "good.ckpt", "--data", "photos", *both])
    assert "give --batch-size or --batch-size-per-replica, not both" in result.stderr


def test_class_whose_images_are_all_corrupt_is_no_class(refused):
    said = refused("good.ckpt", "--skip-corrupt", data="emptied")
    assert "only 'a' has training images left after 3 corrupt ones" in said


def test_weights_that_are_not_finite_are_named(refused):
    said = refused("nan.ckpt", "--no-random-features", "--head-epochs", "1", "--tune-epochs", "0")
    assert "1 variables of 'nan.ckpt' hold NaN or infinite values, the first 'resnet/conv1/" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--find-lr", "--dry-run"), "--find-lr trains and --dry-run does not"),
        (("--stages", "s.yaml", "--head-epochs", "7"), "what --head-epochs would say of all"),
        (("--stages", "s.yaml", "--gradual", "3"), "what --gradual would say of all"),
    ],
)
def test_options_that_contradict_each_other_are_refused(refused, arguments, words):
    assert words in refused("good.ckpt", *arguments)


def test_rate_search_refuses_the_directory_of_a_run(place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    (tmp_path / "config.json").write_text("{}")
    common = ("--net", NETWORK, "--width", "0.5", "--image-size", str(SIZE), "--data", "photos")
    given = ("good.ckpt", "--find-lr", "--output", str(tmp_path))
    result = CliRunner().invoke(cli, ["finetune", *common, *given])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "already holds a run" in result.stderr
    assert os.listdir(tmp_path) == ["config.json"]


def test_new_variables_that_no_stage_trains_are_told(place, monkeypatch):
    monkeypatch.chdir(place)
    common = ("--net", NETWORK, "--width", "0.5", "--image-size", str(SIZE), "--data", "photos")
    given = ("good.ckpt", "--trainable-scopes", "resnet/stage1", "--dry-run")
    result = CliRunner().invoke(cli, ["finetune", *common, *given])
    assert result.exit_code == 0, result.output
    assert "2 new variables are trained by no stage, and will keep initial values" in result.stderr
