"""The shared options of commands that take a model, on a graph with two inputs and a switch."""

import json

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    directory = tmp_path_factory.mktemp("options")
    v1 = tf.compat.v1
    with tf.Graph().as_default() as made:
        first, second = (v1.placeholder(tf.float32, [None, 8, 8, 3], name) for name in "ab")
        scale = v1.placeholder(tf.float32, [], "scale")
        tf.multiply(tf.reduce_mean(first, [1, 2]), scale, name="logits")
        tf.reduce_max(second, [1, 2], name="other")
    tf.io.write_graph(made, str(directory), "two.pb", as_text=False)
    pixels = np.full((8, 8, 3), [10, 20, 30], np.uint8)
    Image.fromarray(pixels).save(directory / "image.png")
    return [str(directory / "two.pb"), str(directory / "image.png")]


GIVEN = ["--input-name", "a:0", "--output-name", "logits:0", "--feed", "scale:0=0.1"]


@pytest.mark.parametrize("command", ["predict", "visualize-activations"])
def test_what_the_errors_name_can_be_said(command, graph, tmp_path):
    output = ["--output", str(tmp_path)] if command != "predict" else []
    refused = CliRunner().invoke(cli, [command, *graph])
    assert refused.exit_code == 2
    assert "choose one with input_name= (--input-name)" in refused.stderr
    result = CliRunner().invoke(cli, [command, *graph, *GIVEN, *output, "--format", "json"])
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)[0]
    if command == "predict":
        expected = np.exp(2) / np.exp([0, 1, 2]).sum()
        assert (row["label"], row["probability"]) == ("2", pytest.approx(expected, rel=1e-5))
    else:
        assert row["mean"] == pytest.approx(2, rel=1e-5)
