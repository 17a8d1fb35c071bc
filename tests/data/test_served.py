"""What a tf.data service makes is what one process would make: its own pipeline is the oracle."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_data

from tfinspect.data import pipeline
from tfinspect.data.manifest import read_manifest
from tfinspect.nets.registry import get_spec

EXAMPLES, BATCH, EPOCHS, SIZE = 37, 8, 3, 75


class AsStored:
    """Images as they are."""

    def apply(self, images):
        return images


@pytest.fixture(scope="module")
def service():
    """A dispatcher and two data workers in this process."""
    one = tf.data.experimental.service
    dispatcher = one.DispatchServer(one.DispatcherConfig(port=0))
    address = dispatcher.target.split("://")[1]
    workers = [one.WorkerServer(one.WorkerConfig(dispatcher_address=address)) for _ in range(2)]
    yield dispatcher.target
    del workers, dispatcher


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("small"))
    tiny_data.write_data(directory, {"train": tiny_data.raw_records(*tiny_data.images(EXAMPLES))})
    manifest = read_manifest(directory)
    return pipeline.Batches(directory, manifest, "train", BATCH, (32, 32, 3), AsStored())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("photographs"))
    random = np.random.RandomState(0)
    sizes = random.randint(60, 120, (EXAMPLES, 2))
    files = [
        tf.io.encode_jpeg(random.randint(0, 256, (*size, 3), np.uint8)).numpy() for size in sizes
    ]
    records = tiny_data.encoded_records(files, np.arange(EXAMPLES) % 10)
    tiny_data.write_data(directory, {"train": records}, schema="encoded", image_shape=None)
    spec = get_spec("inception_v3")
    manifest = read_manifest(directory)
    return pipeline.Batches(
        directory, manifest, "train", BATCH, (SIZE, SIZE, 3), spec.preprocessing
    )


def require_equal(found, expected):
    pairs = list(zip(found, expected, strict=True))
    assert len(pairs) > 0
    for (images, labels), (wanted, wanted_labels) in pairs:
        np.testing.assert_array_equal(images, wanted)
        np.testing.assert_array_equal(labels, wanted_labels)


@pytest.mark.parametrize("kind", ["small", "photographs"])
@pytest.mark.parametrize("keep_last", [False, True])
@pytest.mark.parametrize("augment", [False, True])
def test_batches_and_their_order_are_those_of_one_process(
    service, kind, keep_last, augment, request
):
    batches = dataclasses.replace(request.getfixturevalue(kind), keep_last=keep_last)
    # In the midst of the second epoch.
    wanted = {"seed": 3, "epochs": EPOCHS, "start_step": 7, "augment": augment}
    expected = pipeline.training_dataset(batches, **wanted)
    found = pipeline.training_dataset(dataclasses.replace(batches, service=service), **wanted)
    assert found.element_spec == expected.element_spec
    assert int(found.cardinality()) == int(expected.cardinality())
    require_equal(found, expected)
