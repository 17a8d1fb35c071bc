"""Single residual units against the genuine TensorFlow 1.15 ones, and the shortcuts by hand."""

import functools
from collections.abc import Iterator

import numpy as np
import pytest
import tf_keras
from oracle_nets import filled

from tfinspect.errors import NetworkError
from tfinspect.nets import blocks
from tfinspect.nets.cifar_resnet import cifar_resnet_arg_scope
from tfinspect.nets.slim_compat import slim, track_tf1_style_variables, without_layer_warnings

UNITS = {
    "residual_v1": (blocks.residual_v1, {}),
    "residual_v2": (blocks.residual_v2, {}),
    "residual_v2+activate_before_residual": (
        blocks.residual_v2,
        {"activate_before_residual": True},
    ),
    "bottleneck_residual_v2": (blocks.bottleneck_v2, {}),
    "bottleneck_residual_v2+activate_before_residual": (
        blocks.bottleneck_v2,
        {"activate_before_residual": True},
    ),
}
# In the order in which the original creates the layers of a unit.
CONVOLUTIONS = {
    "residual_v1": ("conv1", "conv2"),
    "residual_v2": ("conv1", "conv2"),
    "bottleneck_residual_v2": ("conv1", "conv2", "conv3", "shortcut"),
}
NORMALIZATIONS = {
    "residual_v1": ("conv1/BatchNorm", "conv2/BatchNorm"),
    "residual_v2": ("preact", "conv1/BatchNorm"),
    "bottleneck_residual_v2": ("preact", "conv1/BatchNorm", "conv2/BatchNorm"),
}


class SlimFunction(tf_keras.layers.Layer):
    """Runs a function of slim layers under the CIFAR networks' arg scope."""

    def __init__(self, function, training):
        super().__init__()
        self.function, self.is_training = function, training

    @track_tf1_style_variables
    def call(self, inputs):
        with (
            without_layer_warnings(),
            slim.arg_scope(cifar_resnet_arg_scope()),
            slim.arg_scope([slim.batch_norm], is_training=self.is_training),
        ):
            return self.function(inputs)


def two_units(unit, options, inputs):
    first = unit(inputs, 16, 2, scope="first", **options)
    return first, unit(first, 16, 1, scope="second")


def numbered(scopes: list[str], layer: str) -> Iterator[tuple[str, str]]:
    for index, scope in enumerate(scopes):
        yield scope, f"unit/{layer}_{index}" if index else f"unit/{layer}"


def original_names(kind):
    """Our layer scopes -> the original's, which number themselves over both units."""
    base = kind.partition("+")[0]
    convolutions = [f"first/{name}" for name in CONVOLUTIONS[base]]
    convolutions += [f"second/{name}" for name in CONVOLUTIONS[base] if name != "shortcut"]
    normalizations = [f"{unit}/{n}" for unit in ("first", "second") for n in NORMALIZATIONS[base]]
    return dict([*numbered(convolutions, "conv2d"), *numbered(normalizations, "BatchNorm")])


def fill(layer, kind):
    names = original_names(kind)
    for variable in layer.variables:
        scope, _, parameter = variable.name.removesuffix(":0").rpartition("/")
        original = f"{names[scope]}/{parameter.replace('weights', 'kernel')}"
        variable.assign(filled(original, variable.shape.as_list()))


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("kind", UNITS)
def test_units_equal_the_originals(kind, size, mode, oracle_arrays):
    images = np.random.RandomState(7).standard_normal((2, size, size, 8)).astype(np.float32)
    layer = SlimFunction(functools.partial(two_units, *UNITS[kind]), mode == "train")
    layer(images)
    fill(layer, kind)
    for position, outputs in zip(("first", "second"), layer(images), strict=True):
        expected = oracle_arrays[f"unit/{kind}/{size}x{size}/{mode}/{position}"]
        np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


def run(function, inputs):
    return SlimFunction(function, False)(inputs)


def ramp(size, channels):
    return np.arange(size * size * channels, dtype=np.float32).reshape(1, size, size, channels)


def test_shortcut_a_is_the_input_when_nothing_changes():
    inputs = ramp(4, 3)
    outputs = run(lambda x: blocks.shortcut(x, 3, 1), inputs)
    np.testing.assert_array_equal(outputs, inputs)


def test_shortcut_a_averages_and_pads_channels_on_both_sides():
    inputs = ramp(4, 2)
    outputs = run(lambda x: blocks.shortcut(x, 6, 2), inputs).numpy()
    pooled = inputs.reshape(1, 2, 2, 2, 2, 2).mean((2, 4))
    np.testing.assert_allclose(outputs[..., 2:4], pooled)
    assert not outputs[..., :2].any()
    assert not outputs[..., 4:].any()


def test_shortcut_a_puts_the_odd_channel_after():
    outputs = run(lambda x: blocks.shortcut(x, 5, 1), ramp(2, 2) + 1).numpy()
    assert (outputs != 0).any(axis=(0, 1, 2)).tolist() == [False, True, True, False, False]


def test_shortcut_a_with_equal_filters_only_pools():
    inputs = ramp(4, 2)
    outputs = run(lambda x: blocks.shortcut(x, 2, 2), inputs)
    np.testing.assert_allclose(outputs, inputs.reshape(1, 2, 2, 2, 2, 2).mean((2, 4)))


def test_shortcut_a_averages_what_there_is_at_an_odd_edge():
    outputs = run(lambda x: blocks.shortcut(x, 1, 2), ramp(3, 1)).numpy()
    assert outputs[0, :, :, 0].tolist() == [[2.0, 3.5], [6.5, 8.0]]


def test_shortcut_a_refuses_to_drop_channels():
    with pytest.raises(NetworkError, match=r"cannot drop 1 channels; use kind='B'"):
        run(lambda x: blocks.shortcut(x, 2, 1), ramp(2, 3))


def test_unknown_shortcut_is_named():
    with pytest.raises(NetworkError, match=r"no shortcut 'C'; there are: 'A', 'B'"):
        run(lambda x: blocks.shortcut(x, 2, 2, kind="C"), ramp(2, 2))


def test_shortcut_b_projects_every_second_pixel():
    inputs = ramp(3, 2)
    layer = SlimFunction(lambda x: blocks.shortcut(x, 3, 2, kind="B"), False)
    outputs = layer(inputs)
    (kernel,) = layer.variables
    assert kernel.name == "shortcut/weights:0"
    np.testing.assert_allclose(outputs, inputs[:, ::2, ::2] @ kernel.numpy()[0, 0], rtol=1e-5)


def test_shortcut_b_of_v1_has_a_batch_normalization():
    layer = SlimFunction(lambda x: blocks.residual_v1(x, 4, 2, kind="B", scope="unit"), False)
    layer(ramp(4, 2))
    assert "unit/shortcut/BatchNorm/gamma:0" in {v.name for v in layer.variables}


def test_strided_convolution_pads_both_sides():
    inputs = ramp(4, 1)
    layer = SlimFunction(
        lambda x: blocks.conv2d_padded(x, 1, 3, 2, normalizer_fn=None, scope="c"), False
    )
    layer(inputs)
    layer.variables[0].assign(np.ones((3, 3, 1, 1), np.float32))
    padded = np.pad(inputs[0, :, :, 0], 1)
    expected = [[padded[r : r + 3, c : c + 3].sum() for c in (0, 2)] for r in (0, 2)]
    np.testing.assert_allclose(layer(inputs)[0, :, :, 0], expected)
