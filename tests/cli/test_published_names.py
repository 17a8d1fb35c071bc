"""A network's name in the place of a checkpoint, in every command that takes one."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from transfer_images import write_images

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints
from tfinspect_cli.main import cli

NET = "mobilenet_v1_025"
FOLDER = f"checkpoints/{NET}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A cache that holds the network's published weights already, an image and a folder of data."""
    directory = tmp_path_factory.mktemp("published")
    network = SlimModel(get_spec(NET), 1001, seed=1)
    prefix = directory / "cache" / FOLDER / "mobilenet_v1_0.25_224.ckpt"
    prefix.parent.mkdir(parents=True)
    checkpoints.save(str(prefix), network.variables_by_name())
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(directory / "image.png")
    write_images(directory / "data", {"a": 5, "b": 5})
    return directory


@pytest.fixture
def invoke(place, monkeypatch):
    monkeypatch.setenv("TFINSPECT_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)

    def run(*arguments):
        return CliRunner().invoke(cli, arguments)

    return run


DATA = ("--data", "data", "--image-size", "32")
GIVEN = (NET, "--checkpoint", NET)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("extract", NET, "--net", NET, "--image-size", "32", "--dry-run"),
        ("verify", NET, "--image-size", "32"),
        ("verify", NET, "--net", NET, "--image-size", "32", "--against", NET),
        ("finetune", NET, "--net", NET, *DATA, "--dry-run"),
        ("predict", *GIVEN, "image.png"),
        ("visualize-weights", NET, "--output", "filters.png"),
        ("visualize-activations", *GIVEN, "image.png", "--output", "activations"),
        ("report", *GIVEN, "--output", "report.html"),
        ("run", *GIVEN, "--feed", "images=image.png"),
    ],
    ids=lambda arguments: arguments[0] + ("-against" if "--against" in arguments else ""),
)
def test_name_stands_for_the_published_weights(invoke, arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output


def test_network_of_published_weights_need_not_be_named_again(invoke):
    result = invoke("extract", NET, "--image-size", "32", "--dry-run")
    assert result.exit_code == 0, result.output
    assert f"{NET} from " in result.stderr


def test_path_of_a_networks_name_says_nothing_of_its_network(invoke, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prefix = place / "cache" / FOLDER / "mobilenet_v1_0.25_224.ckpt"
    for suffix in (".index", ".data-00000-of-00001"):
        shutil.copy(f"{prefix}{suffix}", tmp_path / f"{NET}{suffix}")
    (tmp_path / NET).touch()
    result = invoke("extract", NET, "--image-size", "32", "--dry-run")
    assert result.exit_code == 2
    assert "name it with --net" in result.stderr


def test_path_of_a_networks_name_is_fine_tuned_as_the_network_that_is_named(
    invoke, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / NET).mkdir()
    result = invoke("finetune", NET, "--data", "photos", "--dry-run")
    assert result.exit_code == 2
    assert "--net is missing" in result.stderr


@pytest.mark.parametrize("command", ["predict", "visualize-activations", "gradients", "report"])
def test_network_without_published_weights_is_an_error(invoke, command):
    images = {"predict": ("image.png",), "visualize-activations": ("image.png",)}
    result = invoke(command, "vgg_a", "--checkpoint", "vgg_a", *images.get(command, ()))
    assert result.exit_code == 2
    assert "no weights of 'vgg_a' were published" in result.stderr.splitlines()[-1]


def test_report_of_a_load_by_name_names_the_cached_file(invoke):
    options = ("--net", NET, *DATA, "--dry-run", "--report", "--format", "json")
    result = invoke("finetune", NET, *options)
    assert {row["status"] for row in json.loads(result.stdout)} >= {"loaded", "re-initialised"}
    assert FOLDER in result.stderr
