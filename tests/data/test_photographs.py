"""Batches of photographs: each image whole and decoded anew, in an order that a seed decides."""

import dataclasses

import numpy as np
import pytest
import tiny_data

from tfinspect.data import pipeline
from tfinspect.nets.specs_imagenet import INCEPTION, VGG

EXAMPLES, BATCH, STEPS = 10, 3, 3
SIZE = (12, 12, 3)


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("photographs"))
    pixels, labels = tiny_data.images(EXAMPLES)
    manifest = tiny_data.write_data(directory, {"train": tiny_data.raw_records(pixels, labels)})
    return pipeline.Batches(directory, manifest, "train", BATCH, SIZE, INCEPTION)


def collected(dataset):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset]


def training(batches, **options):
    return collected(pipeline.training_dataset(batches, seed=5, epochs=2, **options))


@pytest.fixture(scope="module")
def whole(batches):
    """The batches of two epochs."""
    return training(batches)


def test_epochs_give_full_batches_in_the_networks_range(whole):
    assert len(whole) == 2 * STEPS
    assert {images.shape for images, _ in whole} == {(BATCH, *SIZE)}
    assert all(np.abs(images).max() <= 1 for images, _ in whole)


def test_run_from_a_later_step_sees_what_an_uninterrupted_one_sees(batches, whole):
    tail = training(batches, start_step=4)
    for (images, labels), (expected, names) in zip(tail, whole[4:], strict=True):
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, names)


def test_streamed_records_give_the_same_form(batches):
    streamed = dataclasses.replace(batches, cache_bytes=0)
    found = training(streamed, start_step=1)
    assert [images.shape for images, _ in found] == [(BATCH, *SIZE)] * (2 * STEPS - 1)


def test_without_augmentation_training_sees_what_evaluation_sees(batches):
    seen = {images[0].tobytes() for images, _ in training(batches, augment=False)}
    shown = np.concatenate(
        [images for images, _ in collected(pipeline.evaluation_dataset(batches))]
    )
    assert seen <= {image.tobytes() for image in shown}


def test_images_that_must_not_be_mirrored_are_not(tmp_path):
    # Columns ascend in every image.
    pixels = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8), (24, 3, 32, 32))
    records = tiny_data.raw_records(pixels, np.zeros(24, np.int64))
    manifest = tiny_data.write_data(str(tmp_path), {"train": records})
    ramps = pipeline.Batches(str(tmp_path), manifest, "train", 8, SIZE, VGG)
    for flip in (True, False):
        trained = np.concatenate([x for x, _ in training(ramps, flip=flip)])
        view = pipeline.View(seed=1, number=0, flip=flip)
        viewed = np.concatenate([x for x, _ in collected(pipeline.evaluation_dataset(ramps, view))])
        for images in (trained, viewed):
            mirrored = images[:, 0, 0, 0] > images[:, 0, -1, 0]
            assert mirrored.any() == flip
            assert not mirrored.all()


def test_views_of_a_number_are_the_same_each_time(batches):
    def view(number):
        one = pipeline.View(seed=1, number=number, flip=True)
        return np.concatenate([x for x, _ in collected(pipeline.evaluation_dataset(batches, one))])

    np.testing.assert_array_equal(view(0), view(0))
    assert not np.array_equal(view(0), view(1))
