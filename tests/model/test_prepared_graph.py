"""Training graphs of TensorFlow 1 made ones that only infer, against the formula."""

import numpy as np
import pytest
import tensorflow as tf
import training_graph

from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model import load_model

FED = {"feeds": {"is_training:0": False}}


def loaded(directory, said, **graph):
    values = training_graph.write(directory, **graph)
    return load_model(f"{directory}/model.ckpt.meta", **said), values


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        ({"training": False}, {}),
        ({"training": True}, {}),
        ({"training": True, "resource": True}, {}),
        ({"training": True, "norm": "moments"}, {}),
        ({"training": True, "drop": "floor"}, {}),
        ({"training": True, "queue": True}, {"input_name": "batch:0"}),
        ({"training": "default"}, {}),
        ({"training": "placeholder"}, FED),
        ({"training": "placeholder", "resource": True}, FED),
    ],
    ids=str,
)
def test_training_graphs_infer(tmp_path, graph, said):
    with training_graph.control_flow(functional=False):
        model, values = loaded(tmp_path, said, **graph)
    images = training_graph.images()
    expected = training_graph.reference(values, images)
    np.testing.assert_allclose(model.logits(images), expected, atol=1e-5)
    assert sorted(model.variables) == [name for name in sorted(values) if "Momentum" not in name]


def test_conditions_that_are_functions_are_resolved(tmp_path):
    with training_graph.control_flow(functional=True):
        model, values = loaded(tmp_path, FED, training="placeholder", resource=True)
    images = training_graph.images()
    expected = training_graph.reference(values, images)
    np.testing.assert_allclose(model.logits(images), expected, atol=1e-5)
    assert not {"If", "StatelessIf"} & {op.type for op in model.trace().graph.get_operations()}


@pytest.fixture
def old_flow(tmp_path):
    """A graph with a condition on the images, and one with a loop."""

    def write(name, build):
        graph = tf.Graph()
        with training_graph.control_flow(functional=False), graph.as_default():
            images = tf.compat.v1.placeholder(tf.float32, [None, 6, 6, 3], "images")
            kernel = tf.constant(np.ones((3, 2), np.float32), name="kernel")
            build(tf.reduce_mean(images, [1, 2]) @ kernel)
        tf.io.write_graph(graph, str(tmp_path), name, as_text=False)
        return load_model(tmp_path / name)

    return write


def test_conditions_on_the_images_run_and_have_gradients(old_flow):
    model = old_flow(
        "cond.pb", lambda mean: tf.cond(tf.reduce_sum(mean) > 0, lambda: mean, lambda: mean * 3)
    )
    (kernel,) = model.variables.values()
    gradient = tf.function(lambda fed: tf.gradients(tf.reduce_sum(model.build(fed).logits), kernel))
    for factor, images in ((1, training_graph.images(2)), (3, -training_graph.images(2))):
        expected = factor * images.mean((1, 2))
        found = model.logits(images)
        np.testing.assert_allclose(found, expected.sum(1, keepdims=True).repeat(2, 1), rtol=1e-5)
        found = gradient(tf.constant(images))[0]
        np.testing.assert_allclose(found, expected.sum(0)[:, None].repeat(2, 1), rtol=1e-5)


def test_loops_of_tensorflow_1_run_and_say_that_they_have_no_gradients(old_flow):
    def loop(mean):
        return tf.while_loop(lambda n, _: n < 3, lambda n, h: (n + 1, h * 2), [0, mean])[1] * 1

    model = old_flow("loop.pb", loop)
    images = training_graph.images(2)
    expected = 8 * images.mean((1, 2)).sum(1, keepdims=True).repeat(2, 1)
    np.testing.assert_allclose(model.logits(images), expected, rtol=1e-5)
    assert "it runs, but has no gradients" in model.notes[0]


def test_what_was_changed_is_said(tmp_path):
    model, _ = loaded(tmp_path, {}, training=True)
    assert [note.partition("'")[2] for note in model.notes] == [
        "net/FusedBatchNormV3' normalizes by moving averages.",
        "net/dropout/SelectV2' drops nothing.",
    ]


def test_a_queues_batch_is_filled_up(tmp_path):
    model, values = loaded(tmp_path, {"input_name": "batch:0"}, training=True, queue=True)
    assert model.batch == 4
    images = training_graph.images(3)
    expected = training_graph.reference(values, images)
    np.testing.assert_allclose(model.logits(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("graph", "error", "text"),
    [
        (
            {"training": "placeholder"},
            ConfigError,
            r"needs values for 'is_training' \(Placeholder\)",
        ),
        ({"training": True, "norm": "alone"}, ConfigError, "keeps no moving averages"),
        ({"training": True, "drop": "noise"}, ConfigError, "needs the random numbers of"),
        ({"training": True, "queue": True}, ArtifactError, "its data come from 'batch:0'"),
    ],
    ids=str,
)
def test_what_cannot_infer_is_refused(tmp_path, graph, error, text):
    with training_graph.control_flow(functional=False), pytest.raises(error, match=text):
        loaded(tmp_path, {}, **graph)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"input_name": "image:0"}, "no tensor 'image:0' .* to take the images; .*'images:0'"),
        ({"output_name": "net/Rel:0"}, "no tensor 'net/Rel:0' .*'net/Relu:0'"),
        ({"output_name": "net/weights:0"}, "does not depend on the images"),
        ({"output_name": "Mean:0"}, r"needs values for 'labels'"),
        ({"feeds": {"label:0": 1}}, "no tensor 'label:0' to feed; nearest: 'labels:0'"),
        ({"feeds": {"labels:0": "a"}}, "'a' cannot be fed to 'labels:0'"),
    ],
    ids=str,
)
def test_wrong_names_are_refused(tmp_path_factory, said, text):
    with pytest.raises(ConfigError, match=text):
        load_model(_written(tmp_path_factory), **said)


def test_any_tensor_can_be_the_output(tmp_path_factory):
    model = load_model(_written(tmp_path_factory), output_name="net/Relu:0")
    assert model.logits(training_graph.images(2)).shape == (2, 6, 6, 4)


def _written(factory):
    path = factory.getbasetemp() / "written"
    if not path.exists():
        path.mkdir()
        training_graph.write(path, training=False)
    return f"{path}/model.ckpt.meta"


def test_a_networks_own_scope_may_be_called_gradients(tmp_path):
    random = np.random.RandomState(0)
    first, second = (random.rand(*shape).astype(np.float32) for shape in ((192, 4), (4, 3)))
    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        hidden = tf.reshape(images, [-1, 192]) @ tf.constant(first)
        with tf.name_scope("net/gradients"):
            logits = tf.matmul(hidden, tf.constant(second), name="logits")
        tf.gradients(logits, images, name="own/gradients")
    tf.io.write_graph(graph, str(tmp_path), "graph.pb", as_text=False)
    fed = random.rand(2, 8, 8, 3).astype(np.float32)
    model = load_model(tmp_path / "graph.pb")
    expected = fed.reshape(2, -1) @ first @ second
    np.testing.assert_allclose(model.logits(fed), expected, rtol=1e-5)
