import pytest

from tfinspect.entries import VariableEntry
from tfinspect.errors import ConfigError
from tfinspect.probe.filters import kernels, on_images


def entry(name, *shape, dtype="float32", **more):
    return VariableEntry(name, shape, dtype, 1, 4, **more)


@pytest.mark.parametrize(
    ("name", "stored", "kind", "drawn"),
    [
        ("net/conv1/weights", (3, 3, 3, 16), "convolution", (3, 3, 3, 16)),
        ("conv1d/kernel", (5, 4, 9), "convolution", (1, 5, 4, 9)),
        ("conv3d/kernel", (2, 3, 4, 5, 6), "convolution", (3, 8, 5, 6)),
        ("conv2d_transpose/kernel", (3, 3, 8, 4), "transposed convolution", (3, 3, 4, 8)),
        ("dw/depthwise_weights", (3, 3, 6, 2), "depthwise convolution", (3, 3, 1, 12)),
        ("depthwise_conv1d/depthwise_kernel", (5, 6, 2), "depthwise convolution", (1, 5, 1, 12)),
        ("block/conv_dw_1/kernel", (3, 3, 6, 1), "depthwise convolution", (3, 3, 1, 6)),
        ("head/saliency/kernel", (3, 3, 6, 1), "convolution", (3, 3, 6, 1)),
        ("Conv2d_1_pointwise/weights", (1, 1, 8, 4), "convolution", (1, 1, 8, 4)),
        ("logits/kernel", (64, 10), "dense", (1, 1, 64, 10)),
        ("attention/query/kernel", (32, 4, 8), "dense", (1, 1, 32, 32)),
    ],
)
def test_kind_and_drawn_shape(name, stored, kind, drawn):
    (found,) = kernels([entry(name, *stored)])
    assert (found.kind, found.shape, found.name) == (kind, drawn, name)


def test_what_is_no_kernel_is_left_out():
    others = [
        entry("conv1/biases", 16),
        entry("slope/alpha", 1, 1, 6),
        entry("norm/gamma", 4, 4, 6),
        entry("step", dtype="int64"),
        entry("ids/weights", 3, 3, dtype="int32"),
        entry("empty/weights", 0, 3),
        entry("conv1/weights/Momentum", 3, 3, 3, 16, slot=True),
        VariableEntry("unknown/weights", None, "float32", 0, 0),
    ]
    assert kernels(others) == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_are_kernels(dtype):
    assert len(kernels([entry("conv1/weights", 3, 3, 3, 16, dtype=dtype)])) == 1


def test_separable_pair_is_one_kernel_in_the_place_of_its_first_variable():
    found = kernels(
        [
            entry("a/weights", 3, 3, 3, 6),
            entry("sep/pointwise_weights", 1, 1, 12, 9),
            entry("b/weights", 3, 3, 9, 6),
            entry("sep/depthwise_weights", 3, 5, 6, 2),
        ]
    )
    assert [kernel.name for kernel in found] == ["a/weights", "sep", "b/weights"]
    assert (found[1].kind, found[1].shape) == ("separable convolution", (3, 5, 6, 9))
    assert [part.shape for part in found[1].parts] == [(3, 5, 6, 2), (1, 1, 12, 9)]


def test_separable_pair_of_one_dimension():
    pair = [entry("s/depthwise_kernel", 5, 6, 2), entry("s/pointwise_kernel", 1, 12, 9)]
    assert [kernel.shape for kernel in kernels(pair)] == [(1, 5, 6, 9)]


def test_two_variables_that_do_not_fit_are_no_pair():
    pair = [entry("s/depthwise_kernel", 3, 3, 6, 2), entry("s/pointwise_kernel", 1, 1, 6, 9)]
    assert [kernel.name for kernel in kernels(pair)] == [part.name for part in pair]


def dense(*sizes):
    return kernels([entry(f"d{n}/kernel", *size) for n, size in enumerate(sizes)])


@pytest.mark.parametrize(
    ("inputs", "image"), [(784, (28, 28, 1)), (3072, (32, 32, 3)), (64, (8, 8, 1))]
)
def test_first_dense_layer_of_a_network_without_convolutions_is_on_images(inputs, image):
    first, second = on_images(dense((inputs, 16), (16, 10)))
    assert first.shape == (*image, 16)
    assert second.shape == (1, 1, 16, 10)
    assert first.on_image
    assert not second.on_image


def test_inputs_that_are_outputs_or_no_square_are_no_image():
    found = on_images(dense((100, 784), (784, 10), (785, 3), (16, 3)))
    assert [kernel.on_image for kernel in found] == [True, False, False, False]


def test_dense_layer_after_a_convolution_has_its_channels_where_the_order_is_known():
    found = kernels([entry("conv/kernel", 3, 3, 3, 8), entry("dense/kernel", 128, 10)])
    assert on_images(found, ordered=True)[1].shape == (4, 4, 8, 10)
    assert on_images(found)[1].shape == (1, 1, 128, 10)


def test_given_image_wins_over_the_one_that_was_found():
    found = on_images(dense((784, 16), (16, 10)))
    assert on_images(found, image_shape=(14, 56, 1))[0].shape == (14, 56, 1, 16)


def test_image_that_fits_no_layer_is_refused():
    found = on_images(dense((784, 16), (16, 10)))
    with pytest.raises(ConfigError, match=r"images of 3 x 3 x 3 = 27 values; .* have 16, 784 inp"):
        on_images(found, image_shape=(3, 3, 3))


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("conv/kernel", (3, 3, 3, 16), "3 x 3 convolution, 3 channels to 16 filters"),
        ("conv/kernel", (5, 4, 9), "1 x 5 convolution, 4 channels to 9 filters"),
        ("conv/kernel", (2, 3, 4, 5, 6), "2 x 3 x 4 convolution, 5 channels to 6 filters, slices"),
        ("dw/depthwise_kernel", (3, 3, 6, 2), "3 x 3 depthwise convolution, 12 filters of one"),
        ("d/kernel", (2048, 1001), "dense, 2,048 inputs to 1,001 units"),
    ],
)
def test_description(name, shape, words):
    assert kernels([entry(name, *shape)])[0].description().startswith(words)


def test_description_of_units_on_images():
    (found,) = on_images(dense((784, 16)))
    assert found.description() == "dense, 16 units on images of 28 x 28 x 1"
