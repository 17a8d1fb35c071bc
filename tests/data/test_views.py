"""Evaluation's crop and resize, against the published preprocessing's own output."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.data.views import fitted, is_plain
from tfinspect.nets.spec import Preprocessing
from tfinspect.nets.specs_imagenet import INCEPTION, VGG

ORACLE = Path(__file__).parents[1] / "oracle" / "preprocessing" / "preprocess_for_eval.npz"


def photograph(height, width):
    pixels = np.random.RandomState(1000 * height + width).randint(0, 256, (height, width, 3))
    return pixels.astype(np.uint8)


@pytest.mark.parametrize("size", [(137, 181), (64, 48)])
def test_inception_view_is_that_of_slim(size):
    height, width = size
    expected = np.load(ORACLE)[f"{height}x{width}_to_31x40_central_0.875_uint8/full"]
    view = INCEPTION.apply(fitted(photograph(*size), 31, 40, INCEPTION))
    np.testing.assert_allclose(view, expected, atol=1e-6)


@pytest.mark.parametrize("size", [(40, 60), (60, 40)])
def test_vgg_view_is_the_centre_of_the_resized_image(size):
    # A ramp stays one: its value at a place is the place in the larger image.
    rows = np.arange(size[0], dtype=np.uint8)[:, None, None] * np.ones((1, size[1], 3), np.uint8)
    factor = 256 / min(size)
    view = fitted(rows, 224, 224, VGG).numpy()
    top = (round(size[0] * factor) - 224) // 2
    np.testing.assert_allclose(view[10, 0, 0], (top + 10) / factor, atol=1e-3)


def test_view_in_a_graph_of_unknown_sizes_is_the_same():
    run = tf.function(
        lambda image: fitted(image, 8, 9, INCEPTION),
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
    )
    image = photograph(20, 30)
    np.testing.assert_array_equal(run(image), fitted(image, 8, 9, INCEPTION))


def test_plain_preprocessing_resizes_whole_images():
    assert is_plain(Preprocessing())
    assert not is_plain(INCEPTION)
