"""Inception-ResNet-v2 as a graph, against the original's variants."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import INCEPTION_RESNET

from tfinspect.errors import NetworkError
from tfinspect.nets.arg_scopes import inception_resnet_v2_arg_scope
from tfinspect.nets.inception_resnet_blocks import residual
from tfinspect.nets.inception_resnet_v2 import (
    Variant,
    inception_resnet_v2,
    inception_resnet_v2_base,
)
from tfinspect.nets.slim_compat import slim, without_layer_warnings

VARIANTS = json.loads((INCEPTION_RESNET / "variants.json").read_text())
END_POINTS = json.loads((INCEPTION_RESNET / "endpoints.json").read_text())
v1 = tf.compat.v1


def graph_of(build, size=299, batch=1, **arg_scope):
    """Builds in a graph of its own; returns the end points' shapes and the graph."""
    with tf.Graph().as_default() as graph, without_layer_warnings():
        with slim.arg_scope(inception_resnet_v2_arg_scope(**arg_scope)):
            _, end_points = build(v1.placeholder(tf.float32, [batch, size, size, 3]))
    return {name: value.shape.as_list() for name, value in end_points.items()}, graph


def base(**variant):
    return functools.partial(inception_resnet_v2_base, variant=Variant(**variant))


def full(num_classes=1001, **arguments):
    return functools.partial(
        inception_resnet_v2, num_classes=num_classes, is_training=False, **arguments
    )


CASES = {
    "base,299,output_stride=8,final_endpoint=PreAuxLogits": (
        base(output_stride=8, final_endpoint="PreAuxLogits"),
        {},
    ),
    "base,299,align_feature_maps": (base(align_feature_maps=True), {}),
    "base,299,output_stride=8,align_feature_maps,final_endpoint=PreAuxLogits": (
        base(output_stride=8, align_feature_maps=True, final_endpoint="PreAuxLogits"),
        {},
    ),
    "base,321": (base(), {"size": 321}),
    "full,299,create_aux_logits=False": (full(create_aux_logits=False), {}),
    "full,299,num_classes=None": (full(None), {}),
    "full,299,num_classes=10": (full(10), {}),
    "full,224": (full(), {"size": 224}),
    "full,150": (full(), {"size": 150}),
    "full,batch=None,size=None,create_aux_logits=False": (
        full(create_aux_logits=False),
        {"size": None, "batch": None},
    ),
    "full,299,batch_norm_scale=True": (full(), {"batch_norm_scale": True}),
}
# Both of the unusual ways to pad and to stride; the others cost as much each.
QUICK = "base,299,output_stride=8,align_feature_maps,final_endpoint=PreAuxLogits"


def test_every_variant_of_the_original_that_can_be_built_is_tested():
    assert set(CASES) == {case for case, made in VARIANTS.items() if "error" not in made}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case == QUICK else pytest.mark.oracle_full)
        for case in CASES
    ],
)
def test_variant_has_the_originals_end_points_and_variables(case):
    build, arguments = CASES[case]
    shapes, graph = graph_of(build, **arguments)
    assert list(shapes.items()) == list(VARIANTS[case]["endpoints"].items())
    assert len(graph.get_collection("model_variables")) == VARIANTS[case]["model_variables"]


@pytest.mark.oracle_full
def test_published_network_has_the_originals_end_points_and_regularization():
    shapes, graph = graph_of(full())
    assert list(shapes.items()) == list(END_POINTS.items())
    assert len(graph.get_collection("regularization_losses")) == 290


@pytest.mark.parametrize("last", ["Conv2d_4a_3x3", "Mixed_5b"])
def test_final_endpoint_is_the_last_one(last):
    names = list(END_POINTS)
    shapes, _ = graph_of(base(final_endpoint=last))
    assert list(shapes) == names[: names.index(last) + 1]


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({"final_endpoint": "Mixed_5"}, "no end point 'Mixed_5'; nearest: 'Mixed_5b'"),
        ({"output_stride": 4}, "no output stride 4; give 8 or 16"),
        ({"output_stride": 8}, "output stride 8 ends at 'PreAuxLogits', before 'Conv2d_7b_1x1'"),
    ],
)
def test_variant_that_cannot_be_built_is_told(variant, message):
    with pytest.raises(NetworkError, match=message):
        graph_of(base(**variant))


def _sum(activation_fn, scale=0.5):
    with tf.Graph().as_default(), without_layer_warnings():
        inputs = tf.constant(np.float32([[[[-1.0, 5.0]]]]))
        with slim.arg_scope([slim.conv2d], weights_initializer=v1.ones_initializer()):
            branches = ((_Identity(),),)
            total = residual(
                inputs, branches, scale=scale, activation_fn=activation_fn, scope="block"
            )
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return session.run(total).reshape(-1).tolist()


class _Identity:
    def apply(self, inputs):
        return inputs


def test_residual_is_scaled_added_and_activated():
    # The 1x1 convolution of ones gives -1 + 5 in both channels.
    assert _sum(None) == [1.0, 7.0]
    assert _sum(tf.nn.relu, scale=-0.5) == [0.0, 3.0]


def test_bounded_activation_bounds_the_residual_too():
    assert _sum(tf.nn.relu6, scale=10.0) == [5.0, 6.0]
