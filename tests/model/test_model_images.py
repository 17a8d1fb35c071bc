"""Cropping and resizing before a network, against closed forms."""

import numpy as np
import pytest

from tfinspect.errors import DataError
from tfinspect.model.images import sized
from tfinspect.nets.spec import Preprocessing

PLAIN = Preprocessing()


def ramp(height, width):
    """An image whose value is its column."""
    columns = np.broadcast_to(np.arange(width), (height, width))
    return np.repeat(columns[..., None], 3, axis=2).astype(np.uint8)


def test_free_sizes_are_left_as_they_are():
    images = [ramp(5, 7), ramp(5, 7)]
    np.testing.assert_array_equal(sized(images, (None, None, 3), PLAIN), np.stack(images))


def test_different_sizes_cannot_be_left():
    with pytest.raises(DataError, match="these have 2 sizes"):
        sized([ramp(5, 7), ramp(7, 5)], (None, None, 3), PLAIN)


def test_the_centre_is_cut_out():
    found = sized(ramp(16, 16), (8, 8, 3), Preprocessing(central_fraction=0.5))
    np.testing.assert_array_equal(found[0, :, :, 0], ramp(8, 8)[..., 0] + 4.0)


def test_pixels_are_sampled_at_the_corner_where_the_network_was_trained_so():
    corner = Preprocessing(half_pixel_centers=False)
    np.testing.assert_array_equal(sized(ramp(8, 8), (4, 4, 3), corner)[0, 0, :, 0], [0, 2, 4, 6])


def test_the_shorter_side_is_resized_and_the_size_cropped():
    vgg = Preprocessing(half_pixel_centers=False, shorter_side=8)
    found = sized(ramp(16, 32), (4, 4, 3), vgg)
    assert found.shape == (1, 4, 4, 3)
    np.testing.assert_array_equal(found[0, 0, :, 0], [12, 14, 16, 18])


def test_grey_models_get_grey_images():
    assert sized(ramp(4, 4), (4, 4, 1), PLAIN).shape == (1, 4, 4, 1)


def test_other_channels_are_refused():
    with pytest.raises(DataError, match="takes images of 4 channels"):
        sized(ramp(4, 4), (4, 4, 4), PLAIN)
