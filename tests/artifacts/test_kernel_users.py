"""Ops that take a kernel tell what kind of layer it belongs to."""

from dataclasses import replace

import pytest
from made_graph import op

from tfinspect.artifacts.graph_ops import ARGUMENT
from tfinspect.artifacts.kernel_users import KernelUsers


@pytest.mark.parametrize(
    ("op_type", "layer"),
    [
        ("Conv2D", "conv2d"),
        ("DepthwiseConv2dNative", "depthwise_conv2d"),
        ("Conv2DBackpropInput", "conv2d_transpose"),
        ("Conv3DBackpropInputV2", "conv3d_transpose"),
    ],
)
def test_layer_of_a_variable_that_a_graph_reads(op_type, layer):
    users = KernelUsers(
        [
            op("dw/kernel", "VarHandleOp"),
            op("dw/read", "ReadVariableOp", ["dw/kernel:0"]),
            op("dw/cast", "Cast", ["dw/read:0"]),
            op("dw/convolution", op_type, ["images:0", "dw/cast:0"]),
        ]
    )
    assert users.of_main() == {"dw/kernel": layer}


def _called(name, op_type, function, callee, inputs):
    return replace(op(name, op_type, inputs, function=function), calls=callee)


def test_layer_of_an_argument_is_found_through_calls():
    users = KernelUsers(
        [
            op("x", ARGUMENT, function="outer"),
            op("w", ARGUMENT, function="outer"),
            _called("call", "StatefulPartitionedCall", "outer", "inner", ["w:0", "x:0"]),
            op("kernel", ARGUMENT, function="inner"),
            op("images", ARGUMENT, function="inner"),
            op("up", "Conv2DBackpropInput", ["size:0", "kernel:0", "images:0"], function="inner"),
        ]
    )
    assert users.of_arguments("outer") == [None, "conv2d_transpose"]


def test_gradients_do_not_count():
    users = KernelUsers(
        [
            op("w", "VariableV2"),
            op("conv", "Conv2D", ["x:0", "w:0"]),
            op("gradients/conv", "Conv2DBackpropInput", ["size:0", "w:0", "dy:0"]),
        ]
    )
    assert users.of_main() == {"w": "conv2d"}


def test_variable_of_two_kinds_of_layers_has_none():
    users = KernelUsers(
        [
            op("w", "VariableV2"),
            op("conv", "Conv2D", ["x:0", "w:0"]),
            op("up", "Conv2DBackpropInput", ["size:0", "w:0", "x:0"]),
        ]
    )
    assert users.of_main() == {}


@pytest.mark.parametrize("callee", ["outer", "missing"])
def test_function_that_calls_itself_or_none_finds_nothing(callee):
    users = KernelUsers(
        [
            op("w", ARGUMENT, function="outer"),
            _called("call", "PartitionedCall", "outer", callee, ["w:0"]),
        ]
    )
    assert users.of_arguments("outer") == [None]


def test_chain_of_a_thousand_functions_is_given_up():
    ops = []
    for number in range(1000):
        function = f"f{number}"
        ops += [
            op("w", ARGUMENT, function=function),
            _called("call", "PartitionedCall", function, f"f{number + 1}", ["w:0"]),
        ]
    assert KernelUsers(ops).of_arguments("f0") == [None]
