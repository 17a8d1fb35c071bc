import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tiny_weights import NET, PIXELS, preprocessed, tiny_weights

from tfinspect.errors import ConfigError
from tfinspect.extraction import Request, load_network, save
from tfinspect_cli.main import cli
from tfinspect_cli.run import _in_own_words


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    base = tmp_path_factory.mktemp("graph")
    save(load_network(tiny_weights().v2, Request(NET)), str(base / "out"), as_format="frozen")
    return str(base / "out/frozen.pb")


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    path = tmp_path_factory.mktemp("fed") / "images.npy"
    np.save(path, preprocessed())
    return f"images={path}"


def invoke(*arguments):
    return CliRunner().invoke(cli, ["run", *map(str, arguments)])


def test_likeliest_classes_of_an_image_are_printed(graph, tmp_path):
    Image.fromarray(PIXELS[0].astype(np.uint8)).save(tmp_path / "a.png")
    result = invoke(graph, "--feed", f"images={tmp_path}/a.png", "--top", 2, "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    order = np.argsort(-tiny_weights().logits[0])
    assert [(row["rank"], row["label"]) for row in rows] == [(1, str(order[0])), (2, str(order[1]))]


def test_small_tensors_are_printed_and_all_are_summed_up(graph, fed):
    names = ["--fetch", "resnet/conv1/Relu", "--fetch", "resnet/logits/biases"]
    result = invoke(graph, "--feed", fed, *names, "--format", "json")
    assert result.exit_code == 0, result.output
    large, small = json.loads(result.stdout)
    assert (large["shape"], large["value"], large["min"]) == ([3, 32, 32, 16], None, 0.0)
    assert small["value"] == [0.0] * 10


def test_tensors_are_saved_under_their_names(graph, fed, tmp_path):
    fetch = ["--fetch", "resnet/logits/BiasAdd:0", "--output", tmp_path / "values"]
    result = invoke(graph, "--feed", fed, *fetch)
    assert result.exit_code == 0, result.output
    saved = np.load(tmp_path / "values/resnet_logits_BiasAdd_0.npy")
    np.testing.assert_allclose(saved, tiny_weights().logits, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nothing is fed"),
        (["--feed", "images"], "write NAME=FILE or NAME=VALUE"),
        (["--feed", "images=1"], "takes float32 [?, 32, 32, 3], and was given int64 []"),
        (["--feed", "imags=1"], "nearest: 'images'"),
        (["--feed", "images=x.npy", "--fetch", "a"], "there is no 'x.npy'"),
    ],
)
def test_wrong_input_is_one_line(graph, options, words):
    result = invoke(graph, *options)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]


def test_unknown_tensor_is_answered_in_this_commands_words(graph, fed):
    result = invoke(graph, "--feed", fed, "--fetch", "resnet/conv1/Rel")
    assert result.exit_code == 2
    assert "nearest: 'resnet/conv1/Relu:0'" in result.stderr
    assert "Choose with --fetch." in result.stderr


def test_graph_without_classes_asks_for_tensors_in_this_commands_words(fed, tmp_path):
    request = Request(NET, final_endpoint="stage1/unit1")
    save(load_network(tiny_weights().v2, request), str(tmp_path / "out"), as_format="frozen")
    result = invoke(tmp_path / "out/frozen.pb", "--feed", fed, "--output", tmp_path / "values")
    assert result.exit_code == 2
    assert "not [N, classes]; choose the logits with --fetch." in result.stderr
    assert not (tmp_path / "values").exists()


def test_broken_graph_is_told_in_this_commands_words(graph, fed):
    name, _, path = fed.partition("=")
    result = invoke(graph, "--feed", fed, "--signature", "nope")
    assert "there are none; leave it out" in result.stderr
    result = invoke(tiny_weights().v2, "--feed", f"{name}={path}")
    assert result.exit_code == 2
    assert "name the network with --net, or give the graph that they" in result.stderr
    assert "net=" not in result.stderr


@pytest.mark.parametrize(
    "name",
    [
        "a_signature=b.pb",
        "input_name= (--input-name; b).pb",
        "net= (--net) model.logits.pb",
        "o'signature=b/model.logits.pb",
    ],
)
def test_path_is_told_as_it_was_given(fed, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no graph")
    result = invoke(path, "--feed", fed)
    assert result.exit_code == 2
    assert f"'{path}'" in result.stderr


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("with input_name= (--input-name).", "with --feed."),
        ("input_name= (--input-name; `list-tensors` lists).", "--feed (`list-tensors` lists)."),
        (
            "input_name= (`list-tensors a_signature=b` lists)",
            "--feed (`list-tensors a_signature=b` lists)",
        ),
        ("with input_name= (--input-name) or signature=.", "with --feed or --signature."),
        ("with feeds={'a:0': False} (--feed), such as", "with --feed, such as"),
        ("net= (--net), or checkpoint= (--checkpoint).", "--net, or --checkpoint."),
        ("with labels=, or with model.logits.", "with --labels, or with --fetch."),
        (
            "the model's 'signature=' has output_name= (--output-name).",
            "the model's 'signature=' has --fetch.",
        ),
    ],
)
def test_arguments_are_told_as_this_commands_options(said, told):
    with pytest.raises(ConfigError) as caught, _in_own_words():
        raise ConfigError(said)
    assert str(caught.value) == told


def test_two_tables_do_not_fit_into_json(graph, fed):
    options = ["--fetch", "resnet/conv1/Relu", "--top", 1, "--format", "json"]
    result = invoke(graph, "--feed", fed, *options)
    assert result.exit_code == 2
    assert "json holds one" in result.stderr
