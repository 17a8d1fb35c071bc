import numpy as np
import pytest
import tensorflow as tf

from tfinspect.data import augment

SHAPE = (6, 8, 10, 3)


def random_images(shape=SHAPE):
    return np.random.RandomState(0).randint(1, 256, shape, np.uint8)


def draws(top, left, flip, count=SHAPE[0]):
    return augment.Draws(*(tf.constant([value] * count) for value in (top, left, flip)))


def reference(image, top, left, flip):
    """The same with slices, one image at a time."""
    height, width, _ = image.shape
    border = augment.PADDING
    padded = np.pad(image, [(border, border), (border, border), (0, 0)])
    crop = padded[top : top + height, left : left + width]
    return crop[:, ::-1] if flip else crop


def eagerly(images, drawn, **options):
    return augment.pad_crop_flip(tf.constant(images), drawn, **options).numpy()


def inside_map(images, drawn, **options):
    dataset = tf.data.Dataset.from_tensors((images, drawn))
    dataset = dataset.map(lambda x, d: augment.pad_crop_flip(x, d, **options))
    return dataset.get_single_element().numpy()


@pytest.mark.parametrize("run", [eagerly, inside_map])
def test_each_image_equals_its_own_slices(run):
    images = random_images()
    drawn = augment.draw(tf.constant([1, 2], tf.int64), len(images))
    expected = [
        reference(image, *numbers)
        for image, *numbers in zip(images, *(d.numpy() for d in drawn), strict=True)
    ]
    np.testing.assert_array_equal(run(images, drawn), expected)


def test_the_middle_crop_without_flip_is_the_image_itself():
    images = random_images()
    np.testing.assert_array_equal(eagerly(images, draws(4, 4, 0)), images)


def test_what_lies_outside_is_black():
    cropped = eagerly(random_images(), draws(0, 0, 0))
    assert not cropped[:, :4].any()
    assert not cropped[:, :, :4].any()
    assert cropped[:, 4:, 4:].all()


def test_flip_can_be_left_out():
    images = random_images()
    np.testing.assert_array_equal(eagerly(images, draws(4, 4, 1), flip=False), images)


def test_draws_are_uniform_over_places_and_sides():
    top, left, flip = (d.numpy() for d in augment.draw(tf.constant([3, 4], tf.int64), 90_000))
    places = np.bincount(top * 9 + left, minlength=81)
    # 90,000 / 81 = 1,111 with a standard deviation of 33.
    assert abs(places - 90_000 / 81).max() < 5 * 33
    assert abs(flip.mean() - 0.5) < 5 * 0.5 / 300


def test_a_draw_depends_on_key_and_position_alone():
    key = tf.constant([5, 6], tf.int64)
    few, many = augment.draw(key, 7), augment.draw(key, 50)
    tf.random.set_seed(1)
    again = augment.draw(key, 50)
    for first, second, third in zip(few, many, again, strict=True):
        np.testing.assert_array_equal(first, second[:7])
        np.testing.assert_array_equal(second, third)
