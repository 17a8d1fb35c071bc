import pathlib
import zlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from tfinspect.nets.cifar_resnet import Architecture, cifar_resnet, cifar_resnet_arg_scope
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_compat import slim, without_layer_warnings
from tfinspect.nets.slim_model import SlimModel

GOLDEN = pathlib.Path(__file__).parent / "variable_names"
SMALLEST = {"v1": 8, "v2": 8, "bottleneck": 11}


def model_of(unit, depth=None, width=1.0, num_classes=10, **arguments):
    spec = get_spec(f"cifar_resnet{depth or SMALLEST[unit]}_{unit}", width=width)
    model = SlimModel(spec, num_classes, **arguments)
    model.build_variables()
    return model


def trainable_parameters(unit, depth, num_classes=10):
    """Counted by hand: kernels, and a gamma and beta per normalized channel."""
    if unit == "bottleneck":
        return _bottleneck_parameters((depth - 2) // 9, num_classes)
    n = (depth - 2) // 6
    filters = [16] * 2 * n + [32] * 2 * n + [64] * 2 * n
    inputs = [16, *filters[:-1]]
    kernels = 9 * 3 * 16 + sum(9 * i * o for i, o in zip(inputs, filters, strict=True))
    normalized = 16 + sum(filters) if unit == "v1" else sum(inputs) + 64
    return kernels + 2 * normalized + 65 * num_classes


def _bottleneck_parameters(n, num_classes):
    total, inputs = 9 * 3 * 16, 16
    for inner in (16, 32, 64):
        for unit in range(n):
            outer = 4 * inner
            total += inputs * inner + 9 * inner * inner + inner * outer
            total += 2 * (inputs + 2 * inner)
            total += inputs * outer if unit == 0 else 0
            inputs = outer
    return total + 2 * 256 + 257 * num_classes


@pytest.mark.parametrize(
    ("unit", "depth"),
    [("v1", 8), ("v1", 44), ("v2", 8), ("v2", 20), ("bottleneck", 11), ("bottleneck", 20)],
)
def test_parameter_count_is_the_closed_form(unit, depth):
    model = model_of(unit, depth)
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert count == trainable_parameters(unit, depth)


def test_resnet20_has_the_papers_quarter_million_parameters():
    # arXiv:1512.03385, table 6: 0.27M.
    assert round(trainable_parameters("v1", 20) / 1e6, 2) == 0.27


@pytest.mark.parametrize(("unit", "depth"), [("v1", 20), ("v2", 20), ("bottleneck", 29)])
def test_variable_names_are_frozen(unit, depth):
    # A renamed variable makes every user's checkpoint unreadable.
    golden = (GOLDEN / f"cifar_resnet{depth}_{unit}.txt").read_text().splitlines()
    shapes = {
        name: v.shape.as_list() for name, v in model_of(unit, depth).variables_by_name().items()
    }
    assert [f"{name} {','.join(map(str, shape))}" for name, shape in shapes.items()] == golden


@pytest.mark.parametrize("unit", SMALLEST)
def test_every_trainable_variable_gets_a_gradient(unit):
    model = model_of(unit)
    images = np.random.RandomState(0).standard_normal((4, 32, 32, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(images, training=True)[:, 0] ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    without = [
        v.name
        for v, g in zip(model.trainable_variables, gradients, strict=True)
        if g is None or not np.any(g.numpy())
    ]
    assert without == []


@pytest.mark.parametrize("unit", SMALLEST)
def test_end_points_name_every_unit(unit):
    _, end_points = model_of(unit).network(tf.zeros([2, 32, 32, 3]))
    shapes = {name: tuple(tensor.shape) for name, tensor in end_points.items()}
    factor = 4 if unit == "bottleneck" else 1
    last = {"postnorm": (2, 8, 8, 64 * factor)} if unit != "v1" else {}
    assert shapes == {
        "conv1": (2, 32, 32, 16),
        "stage1/unit1": (2, 32, 32, 16 * factor),
        "stage2/unit1": (2, 16, 16, 32 * factor),
        "stage3/unit1": (2, 8, 8, 64 * factor),
        **last,
        "global_pool": (2, 64 * factor),
        "logits": (2, 10),
        "predictions": (2, 10),
    }


def test_predictions_are_probabilities():
    logits, end_points = model_of("v1").network(tf.random.stateless_normal([3, 32, 32, 3], [0, 0]))
    np.testing.assert_allclose(end_points["predictions"], tf.nn.softmax(logits), atol=1e-6)


@pytest.mark.parametrize("unit", SMALLEST)
def test_width_multiplies_all_filters(unit):
    narrow, wide = model_of(unit, width=0.5), model_of(unit, width=1.5)
    shapes = {name: v.shape.as_list() for name, v in wide.variables_by_name().items()}
    for name, variable in narrow.variables_by_name().items():
        for half, one_and_a_half in zip(variable.shape, shapes[name], strict=True):
            assert one_and_a_half in (3 * half, half)
    assert shapes["resnet/conv1/weights"] == [3, 3, 3, 24]


@pytest.mark.parametrize("classes", [1, 3, 100])
def test_any_number_of_classes(classes):
    model = model_of("v1", num_classes=classes)
    assert model(np.zeros((1, 32, 32, 3), np.float32)).shape == (1, classes)


def _v1_graph_values(unit, data_format):
    """Logits, gradients and an end point in a TensorFlow 1 graph, whose layout pass knows CPUs."""
    images = np.random.RandomState(0).standard_normal((2, 32, 32, 3)).astype(np.float32)
    config = tf.compat.v1.ConfigProto()
    rewrites = config.graph_options.rewrite_options
    rewrites.cpu_layout_conversion = rewriter_config_pb2.RewriterConfig.NCHW_TO_NHWC
    with tf.Graph().as_default(), without_layer_warnings():
        with slim.arg_scope(cifar_resnet_arg_scope(data_format=data_format)):
            feed = tf.compat.v1.placeholder(tf.float32, [None, 32, 32, 3])
            architecture = Architecture(unit, 1)
            logits, end_points = cifar_resnet(feed, 10, True, architecture=architecture)
        variables = tf.compat.v1.trainable_variables()
        gradients = tf.gradients(tf.reduce_sum(logits**2), variables)
        with tf.compat.v1.Session(config=config) as session:
            session.run(tf.compat.v1.global_variables_initializer())
            for variable in variables:
                rng = np.random.RandomState(zlib.crc32(variable.name.encode()))
                variable.load(0.2 * rng.standard_normal(variable.shape), session)
            return session.run([logits, end_points["stage2/unit1"], gradients], {feed: images})


# Convolutions channels-first exist on no CPU: the layout pass turns the graph's around, so that
# axes, paddings and pools can be compared.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("unit", SMALLEST)
def test_channels_first_computes_the_same(unit):
    last, first = (_v1_graph_values(unit, layout) for layout in ("NHWC", "NCHW"))
    np.testing.assert_allclose(first[0], last[0], atol=1e-4)
    np.testing.assert_allclose(first[1].transpose(0, 2, 3, 1), last[1], atol=1e-4)
    for theirs, ours in zip(first[2], last[2], strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-3 * np.abs(ours).max())
