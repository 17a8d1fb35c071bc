"""Functions in the place of their calls, against TensorFlow's own run of the calls."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.errors import ArtifactError
from tfinspect.model import load_model
from tfinspect.model.inline import inlined

SPEC = tf.TensorSpec([None, 4, 4, 3], name="images")
IMAGES = np.random.RandomState(0).rand(2, 4, 4, 3).astype(np.float32)


@tf.function
def doubled(images):
    return tf.add(images, images, name="twice")


def called_twice(images):
    return tf.reduce_sum(doubled(doubled(images)), [1, 2], name="twice")


def test_a_function_called_twice_keeps_its_names_once():
    graph = tf.function(called_twice).get_concrete_function(SPEC).graph
    found = inlined(graph.as_graph_def(), ["Identity"])
    sums = sorted(node.name for node in found.nodes.values() if node.op == "AddV2")
    calls = [op.name for op in graph.get_operations() if "Call" in op.type]
    # The main graph has a `twice` of its own, so both keep the names of their calls.
    assert sums == sorted(f"{call}/twice" for call in calls)
    assert found.calls == set(calls)


def test_inlined_functions_compute_the_same():
    concrete = tf.function(called_twice).get_concrete_function(SPEC)
    model = load_model(concrete)
    np.testing.assert_allclose(model.logits(IMAGES), 4 * IMAGES.sum((1, 2)), rtol=1e-5)
    types = [op.type for op in model.trace().graph.get_operations()]
    assert types.count("AddV2") == 2
    assert not [name for name in types if "Call" in name]


def test_what_is_not_needed_is_left_out():
    graph = tf.function(called_twice).get_concrete_function(SPEC).graph
    assert list(inlined(graph.as_graph_def(), ["images"]).nodes) == ["images"]


def test_a_function_that_calls_itself_is_refused(monkeypatch):
    monkeypatch.setattr("tfinspect.model.inline._MOST_NODES", 100)
    graph_def = tf.function(called_twice).get_concrete_function(SPEC).graph.as_graph_def()
    (function,) = graph_def.library.function
    call = next(node for node in graph_def.node if "Call" in node.op)
    again = function.node_def.add()
    again.CopyFrom(call)
    again.input[:] = ["images"]
    with pytest.raises(ArtifactError, match="they may call themselves"):
        inlined(graph_def, ["Identity"])


class Looping(tf.Module):
    def __init__(self, seed):
        super().__init__()
        self.kernel = tf.Variable(np.random.RandomState(seed).rand(3, 3, 3, 3), dtype=tf.float32)

    @tf.function(input_signature=[SPEC])
    def __call__(self, images):
        for _ in tf.range(3):
            images = images + tf.nn.conv2d(images, self.kernel, 1, "SAME")
        return tf.reduce_mean(images, [1, 2])

    def expected(self, images):
        for _ in range(3):
            images = images + tf.nn.conv2d(images, self.kernel, 1, "SAME")
        return tf.reduce_mean(images, [1, 2])


def test_loops_of_several_files_do_not_mix_and_have_gradients(tmp_path):
    originals = [Looping(seed) for seed in (1, 2)]
    for seed, original in enumerate(originals):
        tf.saved_model.save(original, tmp_path / str(seed))
    for seed, original in enumerate(originals):
        model = load_model(tmp_path / str(seed))
        np.testing.assert_allclose(model.logits(IMAGES), original.expected(IMAGES), rtol=1e-5)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(original.expected(IMAGES))
        expected = tape.gradient(loss, original.kernel)
        np.testing.assert_allclose(gradient(model), expected, rtol=1e-4)


def gradient(model):
    (variable,) = model.variables.values()

    @tf.function
    def computed(images):
        return tf.gradients(tf.reduce_sum(model.build(images).logits), variable)

    return computed(tf.constant(IMAGES))[0]
