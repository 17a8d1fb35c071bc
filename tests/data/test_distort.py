"""Random views: what they may be, and that a seed decides them."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.data.distort import DISTORTIONS
from tfinspect.data.views import fitted
from tfinspect.nets.registry import get_spec
from tfinspect.nets.specs_imagenet import INCEPTION, VGG

GEOMETRY = {"inception": INCEPTION, "vgg": VGG}
SIZE = (16, 24)


@pytest.fixture(scope="module", params=sorted(DISTORTIONS))
def view(request):
    image = np.random.RandomState(0).randint(0, 256, (50, 40, 3)).astype(np.uint8)
    distort, geometry = DISTORTIONS[request.param], GEOMETRY[request.param]
    run = tf.function(lambda seed: distort(tf.constant(image), seed, SIZE, geometry))
    return lambda seed: run(tf.constant([seed, 7], tf.int64)).numpy()


def test_view_has_the_networks_size_and_the_range_of_pixels(view):
    pixels = view(0)
    assert pixels.shape == (*SIZE, 3)
    assert pixels.dtype == np.float32
    assert 0 <= pixels.min() < pixels.max() <= 255


def test_equal_seeds_give_equal_views(view):
    np.testing.assert_array_equal(view(3), view(3))


def test_other_seeds_give_other_views(view):
    assert len({view(seed).tobytes() for seed in range(8)}) == 8


@pytest.mark.parametrize(("flip", "least", "most"), [(True, 10, 30), (False, 0, 0)])
@pytest.mark.parametrize("name", sorted(DISTORTIONS))
def test_about_half_of_the_views_are_mirrored_or_none(name, flip, least, most):
    # Columns ascend in the image, and descend in a mirrored view.
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (200, 200, 3))
    run = tf.function(
        lambda seed: DISTORTIONS[name](tf.constant(ramp), seed, (32, 32), GEOMETRY[name], flip=flip)
    )
    views = [run(tf.constant([seed, 0], tf.int64)).numpy().mean(2) for seed in range(40)]
    assert least <= sum(one[0, 0] > one[0, -1] for one in views) <= most


def test_vgg_images_of_another_size_are_cropped_to_it():
    image = tf.zeros([40, 50, 3], tf.uint8)
    for size in (64, 224, 299):
        geometry = get_spec("resnet_v1_50").with_image_size(size).preprocessing
        assert fitted(image, size, size, geometry).shape == (size, size, 3)
