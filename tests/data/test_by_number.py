"""Batches by number are those that one process would have: its own pipeline is the oracle."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_data

from tfinspect.data import by_number, pipeline, record_places
from tfinspect.data.manifest import read_manifest
from tfinspect.errors import DataError

EXAMPLES, BATCH, EPOCHS = 37, 8, 2


class AsStored:
    """Images as they are."""

    def apply(self, images):
        return images


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("records"))
    tiny_data.write_data(directory, {"train": tiny_data.raw_records(*tiny_data.images(EXAMPLES))})
    manifest = read_manifest(directory)
    return pipeline.Batches(
        directory, manifest, "train", BATCH, (32, 32, 3), AsStored(), keep_last=True
    )


def read_by_number(source, batches, start_step, augment):
    """Reads every step as a worker does, in one traced function for batches of any size."""
    held = source.held()
    iterator = None if held is None else iter(held)

    @tf.function(reduce_retracing=True)
    def step(draws, *named):
        images, labels = source.read(iterator, *named)
        return pipeline.finished(batches, images, draws, augment=augment, flip=True), labels

    plan = by_number.plan(batches, seed=3, epochs=EPOCHS, start_step=start_step)
    return [step(chosen.draws, *source.named(chosen)) for chosen in plan]


@pytest.mark.parametrize("kind", [by_number.InMemory, by_number.FromShards])
@pytest.mark.parametrize("start_step", [0, 7])
@pytest.mark.parametrize("augment", [False, True])
def test_every_step_has_the_examples_of_one_process(batches, kind, start_step, augment):
    found = read_by_number(kind(batches), batches, start_step, augment)
    expected = pipeline.training_dataset(
        batches, seed=3, epochs=EPOCHS, start_step=start_step, augment=augment
    )
    for (images, labels), (wanted, wanted_labels) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(images, wanted)
        np.testing.assert_array_equal(labels, wanted_labels)


def test_an_epoch_names_every_example_once(batches):
    steps = pipeline.steps_per_epoch(batches)
    plan = list(by_number.plan(batches, seed=0, epochs=EPOCHS, start_step=0))
    assert len(plan) == EPOCHS * steps
    for epoch in range(EPOCHS):
        numbers = np.concatenate([c.numbers for c in plan[epoch * steps : (epoch + 1) * steps]])
        assert sorted(numbers) == list(range(EXAMPLES))


def test_split_that_is_too_large_for_memory_is_read_from_its_shards(batches):
    assert isinstance(by_number.source_of(batches), by_number.InMemory)
    large = dataclasses.replace(batches, cache_bytes=1000)
    assert isinstance(by_number.source_of(large), by_number.FromShards)


def test_missing_shard_is_named(batches):
    gone = dataclasses.replace(batches, directory="/nowhere")
    with pytest.raises(DataError, match=r"the shard '/nowhere/train-0\.tfrecord' is missing"):
        by_number.source_of(gone)


def test_paths_hold_in_any_working_directory(batches, monkeypatch):
    monkeypatch.chdir(batches.directory)
    here = dataclasses.replace(batches, directory=".")
    assert record_places.reachable_paths(here) == batches.paths
    remote = dataclasses.replace(batches, directory="gs://bucket/records")
    assert record_places.reachable_paths(remote) == remote.paths
