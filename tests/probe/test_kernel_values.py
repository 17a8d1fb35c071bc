import numpy as np
import pytest
from made_kernels import kernel, written

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError
from tfinspect.probe.kernel_choice import find_kernel
from tfinspect.probe.kernel_values import read_kernel

KERNELS = {
    "conv1/kernel": kernel(3, 5, 3, 4),
    "conv2d_transpose/kernel": kernel(3, 3, 4, 2),
    "conv3d/kernel": kernel(2, 3, 4, 5, 6),
    "conv1d/kernel": kernel(5, 4, 9),
    "dw/depthwise_kernel": kernel(3, 3, 4, 2),
    "sep/depthwise_kernel": kernel(3, 3, 3, 2, seed=1),
    "sep/pointwise_kernel": kernel(1, 1, 6, 5, seed=2),
    "dense/kernel": kernel(12, 7),
}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    return open_artifact(written(tmp_path_factory.mktemp("kernels") / "k.h5", KERNELS))


def read(artifact, name, **options):
    return read_kernel(artifact, find_kernel(artifact, name, options.pop("image", None)), **options)


def test_convolution_is_as_stored(artifact):
    found = read(artifact, "conv1/kernel")
    np.testing.assert_array_equal(found, KERNELS["conv1/kernel"])
    assert found.dtype == np.float32


def test_transposed_convolution_has_filters_last(artifact):
    found = read(artifact, "conv2d_transpose/kernel")
    np.testing.assert_array_equal(found[1, 2, 1], KERNELS["conv2d_transpose/kernel"][1, 2, :, 1])


def test_depth_slices_are_side_by_side(artifact):
    found = read(artifact, "conv3d/kernel")
    np.testing.assert_array_equal(found[2, 4 + 3], KERNELS["conv3d/kernel"][1, 2, 3])


def test_one_dimension_is_one_row(artifact):
    found = read(artifact, "conv1d/kernel")
    np.testing.assert_array_equal(found[0], KERNELS["conv1d/kernel"])


def test_depthwise_filters_follow_their_channels(artifact):
    found = read(artifact, "dw/depthwise_kernel")
    np.testing.assert_array_equal(
        found[1, 2, 0, 3 * 2 + 1], KERNELS["dw/depthwise_kernel"][1, 2, 3, 1]
    )


def test_dense_layer_on_images_is_rows_columns_channels(artifact):
    found = read(artifact, "dense/kernel", image=(2, 3, 2))
    np.testing.assert_array_equal(found[1, 2, 1], KERNELS["dense/kernel"][1 * 6 + 2 * 2 + 1])


def test_separable_convolution_is_the_product_of_its_steps(artifact):
    depthwise, pointwise = KERNELS["sep/depthwise_kernel"], KERNELS["sep/pointwise_kernel"]
    expected = np.zeros((3, 3, 3, 5))
    for channel in range(3):
        for step in range(2):
            mixing = pointwise[0, 0, channel * 2 + step]
            expected[:, :, channel] += depthwise[:, :, channel, step, np.newaxis] * mixing
    np.testing.assert_allclose(read(artifact, "sep"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["conv1/kernel", "conv2d_transpose/kernel", "conv3d/kernel", "dw/depthwise_kernel", "sep"],
)
def test_first_filters_are_those_of_the_whole(artifact, name):
    np.testing.assert_allclose(
        read(artifact, name, first=2), read(artifact, name)[..., :2], rtol=1e-6
    )


def test_other_shape_in_another_artifact_is_refused(artifact, tmp_path):
    other = open_artifact(written(tmp_path / "o.h5", {"conv1/kernel": kernel(3, 5, 3, 9)}))
    with pytest.raises(ArtifactError, match=r"'conv1/kernel' has shape \[3, 5, 3, 9\] in '.*o.h5'"):
        read_kernel(other, find_kernel(artifact, "conv1/kernel"))
