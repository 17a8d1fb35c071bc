"""The ImageNet networks as Keras models: dropout, sizes, auxiliary heads, names, bfloat16."""

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import filled_model

from tfinspect.errors import NetworkError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_compat import without_layer_warnings
from tfinspect.nets.slim_model import SlimModel

SIZE = 33
IMAGES = np.random.RandomState(0).uniform(-1, 1, (4, SIZE, SIZE, 3)).astype(np.float32)
MOBILENET = "mobilenet_v2_035"


@pytest.fixture(scope="module")
def model():
    """A small network whose classifier has a dropout."""
    return filled_model(MOBILENET, 5, SIZE, 2.0)


def traced(name, training=False, size=None, classes=5):
    """Traces a network in a graph of its own; returns logits, end points and graph."""
    spec = get_spec(name)
    model = SlimModel(spec.with_image_size(size) if size else spec, classes, seed=None)
    with tf.__internal__.FuncGraph(name).as_default() as graph, without_layer_warnings():
        images = tf.compat.v1.placeholder(tf.float32, [None, *model.spec.image_shape])
        logits, end_points = model.network(images, training)
    return logits, end_points, graph


def test_each_training_step_drops_out_other_features(model):
    step = tf.function(lambda images: model.network(images, True)[0])
    first, second = step(IMAGES), step(IMAGES)
    assert np.abs(first - second).max() > 0.01


def test_dropout_keeps_the_published_share(model):
    graph = tf.function(lambda x: model.network(x, True)[0]).get_concrete_function(IMAGES).graph
    scope = "MobilenetV2/Logits/Dropout/"
    dropped = [op for op in graph.get_operations() if op.name.startswith(scope)]
    (kept,) = [op for op in dropped if op.type == "GreaterEqual"]
    assert tf.get_static_value(kept.inputs[1]) == pytest.approx(0.2)


def test_inference_has_no_random_op(model):
    graph = tf.function(lambda x: model.network(x)[0]).get_concrete_function(IMAGES).graph
    assert [op.name for op in graph.get_operations() if "Random" in op.type] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "training"), [("inception_v3", True), ("inception_v4", False)])
def test_auxiliary_logits_are_an_end_point_at_the_published_size(name, training):
    _, end_points, _ = traced(name, training)
    assert end_points["AuxLogits"].shape.as_list() == [None, 5]


def test_larger_images_slide_the_classifier_and_average():
    logits, end_points, _ = traced("alexnet_v2", size=300)
    assert end_points["alexnet_v2/fc7"].shape.as_list()[1:3] == [4, 4]
    assert logits.shape.as_list() == [None, 5]


def test_too_small_images_are_refused_when_built_and_when_called():
    spec = get_spec("alexnet_v2")
    message = "are too small for 'alexnet_v2', which takes at least 195x195"
    with pytest.raises(NetworkError, match=f"images of 194x224 {message}"):
        spec.with_image_size(194, 224)
    with pytest.raises(NetworkError, match=f"images of 33x33 {message}"):
        SlimModel(spec, 5, seed=None).network(IMAGES)


def test_config_rebuilds_a_model_of_another_size(model):
    copy = SlimModel.from_config(model.get_config())
    assert copy.spec == model.spec
    assert copy.spec.image_shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("inception_v1", "InceptionV1/Logits/Conv2d_0c_1x1/Conv2D"),
        ("resnet_v1_50", "resnet_v1_50/logits/Conv2D"),
        ("alexnet_v2", "alexnet_v2/fc8/squeezed"),
        ("mobilenet_v1_025", "MobilenetV1/Conv2d_1_depthwise/Relu6"),
    ],
)
def test_op_names_carry_the_scopes_of_the_variables(name, op):
    *_, graph = traced(name)
    names = [operation.name for operation in graph.get_operations()]
    assert op in names
    scopes = {name.partition("/")[0] for name in names if "/" in name}
    assert len(scopes) == 1


def test_end_points_of_two_builds_in_one_graph_stay_apart():
    model = SlimModel(get_spec("alexnet_v2"), 5, seed=None)
    with tf.__internal__.FuncGraph("twice").as_default() as graph, without_layer_warnings():
        images = tf.compat.v1.placeholder(tf.float32, [None, *model.spec.image_shape])
        (_, first), (_, second) = model.network(images), model.network(images)
    assert len(first) == len(second)
    assert not {id(tensor) for tensor in first.values()} & {id(t) for t in second.values()}
    assert [k for k in graph.get_all_collection_keys() if k.endswith("_end_points")] == []


@pytest.fixture(scope="module")
def rounded():
    return filled_model(MOBILENET, 5, SIZE, 2.0, compute_dtype="bfloat16")


def test_bfloat16_convolves_in_bfloat16_and_classifies_in_float32(rounded):
    graph = tf.function(rounded.network).get_concrete_function(IMAGES).graph
    convolutions = {
        op.name: op.outputs[0].dtype
        for op in graph.get_operations()
        if op.type in ("Conv2D", "DepthwiseConv2dNative")
    }
    classifier = convolutions.pop("MobilenetV2/Logits/Conv2d_1c_1x1/Conv2D")
    assert set(convolutions.values()) == {tf.bfloat16}
    assert classifier == tf.float32


def test_bfloat16_logits_are_float32_and_alike(rounded):
    # No bound on single logits: untrained MobileNets amplify the rounding a thousandfold.
    exact, near = filled_model(MOBILENET, 5, SIZE, 2.0)(IMAGES), rounded(IMAGES)
    assert near.dtype == tf.float32
    assert np.corrcoef(np.ravel(exact), np.ravel(near))[0, 1] > 0.99


def test_without_a_seed_nothing_is_drawn():
    variables = SlimModel(get_spec("mobilenet_v1_025"), 5, seed=None).variables_by_name()
    assert not np.any(variables["MobilenetV1/Conv2d_0/weights"])
    assert np.all(variables["MobilenetV1/Conv2d_0/BatchNorm/gamma"] == 1)
