import pytest
import tensorflow as tf

from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model import Built
from tfinspect.model.trace import trace
from tfinspect.probe.tensor_choice import TensorChoice, choose


def _build(images):
    rate = tf.compat.v1.placeholder(tf.float32, [], "rate")
    with tf.name_scope("stage1"):
        first = tf.nn.relu(images, name="Relu")
        tf.multiply(first, rate, name="fed")
        tf.reduce_sum(first, name="all")
        tf.strings.as_string(first, name="words")
    with tf.name_scope("stage2"):
        second = tf.nn.relu(-first, name="Relu")
        tf.constant([1.0, 2.0], name="kernel")
        tf.nn.softmax(tf.reduce_mean(second, [1, 2]), name="pooled")
    return Built(second, {})


@pytest.fixture(scope="module")
def traced():
    return trace(_build, "images", "float32", [None, 4, 4, 3])


@pytest.fixture(scope="module")
def with_end_points():
    def build(images):
        points = {f"unit{n}": tf.nn.relu(images + n, name=f"unit{n}/Relu") for n in range(1, 21)}
        return Built(points["unit20"], points | {"total": tf.reduce_sum(images)})

    return trace(build, "images", "float32", [None, 4, 4, 3])


def names(traced, most=8, **choice):
    return [tensor.name for tensor in choose(traced, TensorChoice(**choice), most).tensors]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"names": ("stage2/pooled",)}, ["stage2/pooled:0"]),
        ({"names": ("stage2/pooled:0", "stage1/Relu")}, ["stage2/pooled:0", "stage1/Relu:0"]),
        ({"op_types": ("Relu",)}, ["stage1/Relu:0", "stage2/Relu:0"]),
        (
            {"scopes": ("stage2",), "op_types": ("Relu", "Softmax")},
            ["stage2/Relu:0", "stage2/pooled:0"],
        ),
        ({"match": "2/(Relu|pool)"}, ["stage2/Relu:0", "stage2/pooled:0"]),
        ({"match": "Relu", "exclude": ("1",)}, ["stage2/Relu:0"]),
        ({"names": ("stage1/Relu",), "op_types": ("Relu",)}, ["stage1/Relu:0", "stage2/Relu:0"]),
        ({}, ["stage1/Relu:0", "stage2/Relu:0"]),
    ],
)
def test_tensors_are_chosen(traced, choice, expected):
    assert names(traced, **choice) == expected


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ({"names": ("stage1/Rel:0",)}, ArtifactError, r"'stage1/Rel:0'.*nearest: 'stage1/Relu:0'"),
        ({"names": ("stage2/kernel",)}, ConfigError, "is not computed from the images .* a Const"),
        ({"names": ("stage1/fed",)}, ConfigError, "needs a value for 'rate:0', which images alone"),
        ({"names": ("stage1/all",)}, ConfigError, r"has no batch dimension \(its shape is \[\]"),
        ({"names": ("stage1/words",)}, ConfigError, "holds string and no numbers"),
        ({"end_points": ("Mixed_6a",)}, ConfigError, "no end point 'Mixed_6a'; there are none"),
        ({"scopes": ("stage3",)}, ConfigError, "in scope 'stage3'.*nearest: 'stage2', 'stage1'"),
        ({"match": "conv"}, ConfigError, "the pattern 'conv' is found in no name"),
        ({"op_types": ("Conv2D",)}, ConfigError, "no op of type 'Conv2D' here"),
        ({"match": "kernel"}, ConfigError, "none can be looked at: 'stage2/kernel:0' is not comp"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_with_the_reason(traced, choice, error, message):
    with pytest.raises(error, match=message):
        names(traced, **choice)


def test_end_points_are_the_overview_where_there_are_any(with_end_points):
    found = choose(with_end_points, TensorChoice(), 5)
    kept = [f"unit{n}/Relu:0" for n in (1, 6, 11, 15, 20)]
    assert [tensor.name for tensor in found.tensors] == kept
    assert found.more == 15


def test_an_end_point_is_chosen_by_its_name(with_end_points):
    assert names(with_end_points, end_points=("unit3",)) == ["unit3/Relu:0"]
    assert names(with_end_points, names=("unit3",)) == ["unit3/Relu:0"]


def test_an_unknown_end_point_names_the_nearest(with_end_points):
    with pytest.raises(ConfigError, match="no end point 'unit33'; nearest: 'unit3'"):
        names(with_end_points, end_points=("unit33",))


def test_patterns_are_bounded_and_names_are_not(with_end_points):
    assert choose(with_end_points, TensorChoice(match="Relu"), 4).more == 16
    asked = tuple(f"unit{n}" for n in range(1, 21))
    assert len(names(with_end_points, most=4, names=asked)) == 20


def test_without_activations_the_logits_are_looked_at():
    def build(images):
        return Built(tf.exp(images, name="exp"), {})

    assert names(trace(build, "images", "float32", [None, 2, 2, 3])) == ["exp:0"]
