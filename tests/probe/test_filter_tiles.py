import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.probe.filter_tiles import chosen_layout, filter_tiles, principal_components

KERNEL = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((3, 3, 3, 16), "rgb"),
        ((3, 3, 1, 16), "rgb"),
        ((1, 1, 3, 16), "matrix"),
        ((3, 3, 2, 16), "channels"),
        ((3, 3, 16, 1), "channels"),
        ((1, 7, 16, 16), "pca"),
    ],
)
def test_auto_layout(shape, layout):
    assert chosen_layout("auto", shape) == layout


def test_given_layout_stays():
    assert chosen_layout("matrix", (3, 3, 3, 16)) == "matrix"


@pytest.mark.parametrize(
    ("layout", "message"),
    [("rbg", "no layout 'rbg'; nearest: 'rgb'"), ("rgb", "filters of 4 channels cannot be drawn")],
)
def test_layout_that_cannot_be_is_refused(layout, message):
    with pytest.raises(ConfigError, match=message):
        chosen_layout(layout, KERNEL.shape)


def test_rgb_tiles_are_the_filters():
    tiles = filter_tiles(KERNEL[:, :, :3], "rgb").tiles
    np.testing.assert_array_equal(tiles[4], KERNEL[:, :, :3, 4])


def test_one_channel_is_grey():
    tiles = filter_tiles(KERNEL[:, :, :1], "rgb").tiles
    np.testing.assert_array_equal(tiles[4], KERNEL[:, :, 0, 4])


def test_channels_are_a_row_a_filter():
    found = filter_tiles(KERNEL, "channels", channels=3)
    assert (found.columns, found.per_filter, len(found.tiles)) == (3, 3, 15)
    np.testing.assert_array_equal(found.tiles[2 * 3 + 1], KERNEL[:, :, 1, 2])


def test_matrix_is_a_column_a_filter():
    found = filter_tiles(KERNEL, "matrix", channels=7)
    matrix = np.concatenate(list(found.tiles), axis=1)
    assert found.columns == 5
    np.testing.assert_array_equal(matrix, KERNEL.reshape(-1, 5)[:7])


def test_components_are_those_of_a_singular_value_decomposition():
    kernel = np.random.default_rng(2).standard_normal((3, 3, 6, 10))
    rows = kernel.transpose(0, 1, 3, 2).reshape(-1, 6)
    _, singular, vectors = np.linalg.svd(rows, full_matrices=False)
    found = principal_components(kernel)
    np.testing.assert_allclose(abs(found.directions.T), abs(vectors[:3]), atol=1e-10)
    share = (singular[:3] ** 2).sum() / (singular**2).sum()
    np.testing.assert_allclose(found.share, share)


def test_component_of_largest_magnitude_is_positive():
    directions = principal_components(-abs(KERNEL)).directions
    largest = abs(directions).argmax(axis=0)
    assert (directions[largest, range(3)] > 0).all()


def test_zero_weights_stay_zero_under_projection():
    kernel = KERNEL.copy()
    kernel[..., 2] = 0
    found = principal_components(kernel).tiles(kernel)
    assert found.tiles.shape == (5, 2, 3, 3)
    assert not found.tiles[2].any()
    assert "3 principal components of 4 input channels, 100% of the squares" in found.note


def test_two_channels_leave_the_third_component_empty():
    found = principal_components(KERNEL[:, :, :2])
    assert not found.directions[:, 2].any()
    np.testing.assert_allclose(found.share, 1)


def test_nan_is_lost_for_its_pixel_alone():
    kernel = KERNEL.copy()
    kernel[1, 2, 0, 3] = np.nan
    tiles = principal_components(kernel).tiles(kernel).tiles
    assert np.argwhere(np.isnan(tiles).any(axis=3)).tolist() == [[3, 1, 2]]


@pytest.mark.parametrize("value", [0.0, 1e300, np.nan])
def test_degenerate_kernels_have_components_too(value):
    found = principal_components(np.full((2, 2, 4, 3), value))
    assert np.isfinite(found.directions).all()
    assert 0 <= found.share <= 1
