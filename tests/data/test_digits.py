import numpy as np
import pytest
from sklearn.datasets import load_digits

from tfinspect.data.digits import as_cifar, digits_source


@pytest.fixture(scope="module")
def digits():
    return digits_source(0).examples


def test_split_sizes_and_layout(digits):
    sizes = {split: part.images.shape for split, part in digits.splits.items()}
    assert sizes == {
        "train": (1297, 3, 32, 32),
        "validation": (200, 3, 32, 32),
        "test": (300, 3, 32, 32),
    }
    assert all(part.images.dtype == np.uint8 for part in digits.splits.values())


def test_every_split_has_its_share_of_every_digit(digits):
    counts = np.bincount(load_digits().target)
    for part in digits.splits.values():
        share = counts * len(part.labels) / counts.sum()
        assert np.all(np.abs(np.bincount(part.labels) - share) <= 1.5)


def test_no_image_is_in_two_splits(digits):
    images = [image.tobytes() for part in digits.splits.values() for image in part.images]
    assert len(images) == len(set(images)) == 1797


def test_enlarging_is_bilinear_with_half_pixel_centres():
    from PIL import Image

    image = np.random.RandomState(0).uniform(0, 15.9, (1, 8, 8))
    pillow = Image.fromarray((image[0] * 16).astype(np.float32)).resize((32, 32), 2)
    ours = as_cifar(image)[0]
    np.testing.assert_allclose(ours[0], np.asarray(pillow), atol=0.51)
    assert (ours[0] == ours[1]).all()
    assert (ours[0] == ours[2]).all()


def test_full_white_is_255():
    assert (as_cifar(np.full((1, 8, 8), 16.0)) == 255).all()
