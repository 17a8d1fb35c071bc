"""Ops that call Python: refused where a file should hold them, marked where one does."""

import dataclasses
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from tiny_run import copy_run

from tfinspect import custom_op, list_tensors, load_model
from tfinspect.errors import CustomOpError
from tfinspect.python_ops import python_op_notes, refuse_python_ops
from tfinspect.training.export import export
from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def graph():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], "x")
        y = custom_op(lambda x: 2 * x, output=lambda x: x, name="twice")(x)
        tf.identity(tf.py_function(lambda x: x, [y], tf.float32, name="same"), "out")
    return graph


@pytest.fixture(scope="module")
def listed(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "graph.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())

    def run(*arguments):
        return CliRunner().invoke(cli, ["list-tensors", str(path), *arguments])

    return run


def test_list_tensors_names_the_ops_that_call_python(listed):
    assert (
        "Note: the ops 'twice/PyFuncStateless', 'same' call Python code that is not in the graph: "
        "it runs only in the program that built it.\n"
    ) in listed().stderr


def test_list_tensors_marks_them_among_the_rows(listed):
    rows = json.loads(listed("--format", "json").stdout)
    marked = {row["op"] for row in rows if row["remark"] == "calls Python"}
    assert marked == {"twice/PyFuncStateless", "same"}
    assert "calls Python" in listed().stdout


def test_graph_without_them_has_no_remarks():
    with tf.Graph().as_default() as graph:
        tf.compat.v1.placeholder(tf.float32, [], "x")
    assert python_op_notes([]) == []
    assert "remark" not in list_tensors(graph)[0].row()


def test_ops_inside_functions_are_found():
    inner = tf.function(lambda x: tf.numpy_function(np.exp, [x], tf.float32, name="exp"))
    outer = tf.function(lambda x: inner(x)).get_concrete_function(tf.TensorSpec([], tf.float32))
    with pytest.raises(
        CustomOpError, match="the file 'x' cannot hold the op 'exp', which calls Python code"
    ):
        refuse_python_ops(outer.graph.as_graph_def(), "the file 'x'")


@pytest.mark.parametrize(
    "activation",
    [
        custom_op(lambda x: np.maximum(x, 0), output=lambda x: x, name="relu"),
        lambda x: tf.ensure_shape(tf.numpy_function(lambda x: x, [x], tf.float32), x.shape),
    ],
    ids=["custom op", "bare numpy_function"],
)
def test_export_of_a_network_that_holds_one_is_refused_and_leaves_nothing(activation, tmp_path):
    model = load_model(copy_run(tmp_path).path)
    build = model.spec.build

    def built(*arguments):
        logits, end_points = build(*arguments)
        return activation(logits), end_points

    model.keras_model.spec = dataclasses.replace(model.spec, build=built)
    with pytest.raises(CustomOpError, match="Python code of this program"):
        export(
            model.keras_model,
            str(tmp_path / "export"),
            labels=model.labels,
            preprocessing=model.spec.preprocessing,
            image_shape=model.spec.image_shape,
        )
    assert os.listdir(tmp_path) == ["run"]
