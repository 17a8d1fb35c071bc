"""Graphs written by TensorFlow, listed as TensorFlow itself has them after an import."""

import pytest
import tensorflow as tf
from graph_files import FROZEN, GRAPH, META_GRAPH, TF2_SAVED_MODEL
from tensorflow.python.framework import function_def_to_graph

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.graph_ops import ARGUMENT

v1 = tf.compat.v1


def _loops():
    """Control flow of TensorFlow 1, and ops with lists, numbers and references among outputs."""
    with tf.Graph().as_default() as graph:
        features = v1.placeholder(tf.float32, [None, 6], "features")
        v1.disable_control_flow_v2()
        tf.while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, x * 2), [0, features])
        v1.cond(tf.reduce_sum(features) > 0, lambda: features, lambda: -features)
        v1.enable_control_flow_v2()
        tf.split(features, 3, axis=1)
        tf.unstack(features, axis=1, num=6)
        tf.nn.top_k(features)
        tf.unique(tf.constant([1, 2, 2], tf.int64), out_idx=tf.int64)
        v1.nn.fused_batch_norm(tf.zeros([1, 2, 2, 3]), [1.0] * 3, [0.0] * 3)
        v1.get_variable("reference", [2], use_resource=False)
        v1.get_variable("resource", [2], tf.bfloat16, use_resource=True)
        queue = tf.queue.FIFOQueue(4, [tf.int32, tf.string], [[], []])
        queue.dequeue()
    return graph


def _functions():
    """Control flow of TensorFlow 2, whose bodies are functions, and a data set's iterator."""

    @tf.function
    def inner(x, n):
        total = tf.while_loop(lambda i, _: i < n, lambda i, y: (i + 1, y + x), [0, x])[1]
        halves = tf.split(total, 2)
        return halves[1], tf.unique(halves[0])

    @tf.function
    def outer(x):
        data = tf.data.Dataset.range(5).map(lambda i: (i, tf.strings.as_string(i))).batch(2)
        number, text = next(iter(data))
        found = inner(x, tf.cast(number[0], tf.int32))
        parsed = tf.io.parse_example(text, {"a": tf.io.FixedLenFeature([], tf.int64, 0)})
        return found, tf.cond(x[0] > 0, lambda: x, lambda: -x), parsed

    return outer.get_concrete_function(tf.TensorSpec([4])).graph


def _imported(path):
    graph_def = v1.GraphDef.FromString(open_artifact(path).graph_def())
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
    return graph


def _write(graph, path, *, stripped=False):
    graph_def = graph.as_graph_def()
    if stripped:
        graph_def = v1.train.export_meta_graph(
            graph_def=graph_def, graph=graph, strip_default_attrs=True, filename=str(path)
        ).graph_def
    else:
        path.write_bytes(graph_def.SerializeToString())
    return graph_def


def _in_tensorflow(graph, function=None):
    return [
        (function, tensor.name, op.type, tensor.dtype.base_dtype.name)
        for op in graph.get_operations()
        for tensor in op.outputs
    ]


def _in_functions(graph, graph_def):
    found = []
    with graph.as_default():
        for function in graph_def.library.function:
            body = function_def_to_graph.function_def_to_graph(function)
            found += _in_tensorflow(body, function.signature.name)
    return found


def _listed(artifact):
    return [
        (
            tensor.function,
            tensor.name,
            "Placeholder" if tensor.op_type == ARGUMENT else tensor.op_type,
            tensor.dtype,
        )
        for tensor in artifact.tensors
    ]


@pytest.mark.parametrize("stripped", [False, True], ids=["GraphDef", "stripped MetaGraph"])
@pytest.mark.parametrize("make", [_loops, _functions])
def test_tensors_are_those_of_the_living_graph(make, stripped, tmp_path):
    graph = make()
    path = tmp_path / ("made.meta" if stripped else "made.pb")
    graph_def = _write(graph, path, stripped=stripped)
    artifact = open_artifact(path)
    assert artifact.notes == ()
    wanted = [*_in_tensorflow(graph), *_in_functions(graph, graph_def)]
    assert sorted(_listed(artifact), key=str) == sorted(wanted, key=str)


@pytest.mark.parametrize("path", [GRAPH, FROZEN, META_GRAPH, TF2_SAVED_MODEL], ids=lambda p: p.name)
def test_reference_graph_is_listed_as_tensorflow_imports_it(path):
    wanted = _in_tensorflow(_imported(path))
    listed = [found for found in _listed(open_artifact(path)) if found[0] is None]
    assert sorted(listed, key=str) == sorted(wanted, key=str)


@pytest.mark.parametrize("path", [FROZEN, META_GRAPH], ids=lambda p: p.name)
def test_inputs_of_ops_are_those_of_the_import(path):
    graph = _imported(path)
    for op in open_artifact(path).ops:
        wanted = graph.get_operation_by_name(op.name)
        assert list(op.inputs) == [tensor.name for tensor in wanted.inputs]
        assert sorted(op.controls) == sorted(one.name for one in wanted.control_inputs)
