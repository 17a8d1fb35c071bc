import dataclasses
import hashlib
import io

import numpy as np
import pytest
import tensorflow as tf
import tiny_data
from PIL import Image

from tfinspect.data import load, pipeline, stream
from tfinspect.data.manifest import SplitInfo
from tfinspect.errors import ConfigError, DataError

EXAMPLES, BATCH, EPOCHS = 100, 16, 3
STEPS = 6


class Halved:
    """Preprocessing that can be told from none."""

    def apply(self, images):
        return images / 2


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("shards"))
    pixels, labels = tiny_data.images(EXAMPLES)
    manifest = tiny_data.write_data(directory, {"train": tiny_data.raw_records(pixels, labels)})
    return directory, manifest, pixels.transpose(0, 2, 3, 1), labels


def make_batches(written, **changes):
    directory, manifest = written[:2]
    settings = {
        "directory": directory,
        "manifest": manifest,
        "split": "train",
        "batch_size": BATCH,
        "image_shape": (32, 32, 3),
        "preprocessing": Halved(),
    }
    return pipeline.Batches(**settings | changes)


@pytest.fixture(scope="module", params=["cached", "streamed"])
def batches(request, written):
    # Smaller than the data, so that the buffer is a part of the order.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "SHUFFLE_EXAMPLES", 30)
        patch.setattr(stream, "DRAWN_EXAMPLES", 50)
        yield make_batches(written, **({"cache_bytes": 0} if request.param == "streamed" else {}))


@pytest.fixture(scope="module")
def uninterrupted(batches):
    """The digests of a whole run's batches."""
    return digests(train(batches))


def train(batches, **options):
    return pipeline.training_dataset(batches, **{"seed": 7, "epochs": EPOCHS} | options)


def digests(dataset):
    return [hashlib.sha256(x.numpy().tobytes() + y.numpy().tobytes()).digest() for x, y in dataset]


def test_every_epoch_has_full_batches_and_no_example_twice(batches, written):
    originals = {image.tobytes(): label for image, label in zip(*written[2:], strict=True)}
    steps = list(train(batches, augment=False))
    assert len(steps) == EPOCHS * STEPS
    for epoch in range(EPOCHS):
        epoch_steps = steps[epoch * STEPS : (epoch + 1) * STEPS]
        images = np.concatenate([x for x, _ in epoch_steps]) * 2
        labels = np.concatenate([y for _, y in epoch_steps])
        keys = [image.astype(np.uint8).tobytes() for image in images]
        assert len(set(keys)) == STEPS * BATCH
        assert [originals[key] for key in keys] == labels.tolist()


def test_every_epoch_has_another_order(batches):
    labels = np.concatenate([y for _, y in train(batches)]).reshape(EPOCHS, -1)
    assert not (labels[0] == labels[1]).all()
    assert not (labels[1] == labels[2]).all()


@pytest.mark.parametrize("start", [0, 1, STEPS - 1, STEPS, STEPS + 2, EPOCHS * STEPS - 1])
def test_a_later_start_gives_the_same_bytes_as_the_uninterrupted_tail(
    batches, start, uninterrupted
):
    assert digests(train(batches, start_step=start)) == uninterrupted[start:]


def test_a_start_at_the_end_gives_nothing(batches):
    assert digests(train(batches, start_step=EPOCHS * STEPS)) == []


def test_longer_runs_begin_like_shorter_ones(batches, uninterrupted):
    assert digests(train(batches, epochs=1)) == uninterrupted[:STEPS]


def test_order_does_not_depend_on_the_global_seed(batches, uninterrupted):
    tf.random.set_seed(2)
    assert digests(train(batches)) == uninterrupted


def test_order_depends_on_the_seed(batches, uninterrupted):
    assert digests(train(batches, seed=8, epochs=1)) != uninterrupted[:STEPS]


def test_augmentation_does_not_change_the_order(batches):
    plain = [y.numpy().tolist() for _, y in train(batches, epochs=1, augment=False)]
    assert [y.numpy().tolist() for _, y in train(batches, epochs=1)] == plain


def test_augmentation_depends_on_the_position_and_not_on_the_batch_size(batches):
    # 96 examples in each case, so the epochs hold the same ones.
    small = np.concatenate([x for x, _ in train(batches, epochs=1)])
    larger = dataclasses.replace(batches, batch_size=32)
    np.testing.assert_array_equal(small, np.concatenate([x for x, _ in train(larger, epochs=1)]))


def test_flip_can_be_left_out(batches):
    flipped = np.concatenate([x for x, _ in train(batches, epochs=1)])
    unflipped = np.concatenate([x for x, _ in train(batches, epochs=1, flip=False)])
    same = (flipped == unflipped).all(axis=(1, 2, 3))
    mirrored = (flipped == unflipped[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 20 < same.sum() < 76
    assert same.any()
    assert mirrored.any()


def test_shapes_are_static_and_the_length_is_known(batches):
    dataset = train(batches, start_step=4)
    assert dataset.cardinality() == EPOCHS * STEPS - 4
    assert dataset.element_spec == (
        tf.TensorSpec([BATCH, 32, 32, 3], tf.float32),
        tf.TensorSpec([BATCH], tf.int64),
    )


def test_autotuning_is_off_and_the_order_is_deterministic(batches):
    options = train(batches).options()
    assert options.autotune.enabled is False
    assert options.deterministic is True


def test_evaluation_reads_all_in_stored_order_once(batches, written):
    pairs = list(pipeline.evaluation_dataset(batches))
    assert [len(y) for _, y in pairs] == [16] * 6 + [4]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in pairs]) * 2, written[2])
    np.testing.assert_array_equal(np.concatenate([y for _, y in pairs]), written[3])


def test_limit_takes_the_first_stored_examples(batches, written):
    limited = dataclasses.replace(batches, limit=33)
    assert pipeline.steps_per_epoch(limited) == 2
    evaluated = np.concatenate([y for _, y in pipeline.evaluation_dataset(limited)])
    np.testing.assert_array_equal(evaluated, written[3][:33])
    originals = {image.tobytes() for image in written[2][:33]}
    for images, _ in train(limited, augment=False):
        assert {(2 * image).numpy().astype(np.uint8).tobytes() for image in images} <= originals


def test_encoded_images_are_resized_to_the_network(tmp_path):
    files = []
    for size in ((40, 30), (32, 32), (64, 64), (33, 80)):
        stream_ = io.BytesIO()
        Image.new("RGB", size, (10, 20, 30)).save(stream_, format="PNG")
        files.append(stream_.getvalue())
    records = tiny_data.encoded_records(files, [0, 1, 2, 3])
    manifest = tiny_data.write_data(str(tmp_path), {"train": records}, "encoded", None)
    batches = make_batches((str(tmp_path), manifest), batch_size=4)
    for changed in (batches, dataclasses.replace(batches, cache_bytes=0)):
        images, labels = next(iter(pipeline.evaluation_dataset(changed)))
        np.testing.assert_array_equal(images, np.broadcast_to([5, 10, 15], (4, 32, 32, 3)))
        np.testing.assert_array_equal(labels, [0, 1, 2, 3])


def test_raw_images_of_another_size_are_resized(written):
    batches = make_batches(written, image_shape=(16, 16, 3))
    images, _ = next(iter(pipeline.evaluation_dataset(batches)))
    pairs = written[2][:BATCH].reshape(BATCH, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(images, pairs / 2, atol=0.26)


def test_shards_on_another_file_system_are_read():
    pixels, labels = tiny_data.images(20)
    tf.io.gfile.makedirs("ram://pipeline")
    records = tiny_data.raw_records(pixels, labels)
    manifest = tiny_data.write_data("ram://pipeline", {"train": records})
    batches = make_batches(("ram://pipeline", manifest), batch_size=20)
    _, read = next(iter(pipeline.evaluation_dataset(batches)))
    np.testing.assert_array_equal(read, labels)


def test_a_batch_larger_than_the_split_is_refused(written):
    with pytest.raises(
        ConfigError, match=r"a batch of 101 is larger than the 100 examples .* at most"
    ):
        train(make_batches(written, batch_size=101))


def test_an_unknown_split_is_refused_with_the_existing_ones(written):
    with pytest.raises(DataError, match="no split 'trian'; nearest: 'train'"):
        train(make_batches(written, split="trian"))


def test_an_empty_split_is_refused(written):
    directory, manifest = written[:2]
    empty = dataclasses.replace(manifest, splits={"train": SplitInfo(0, {}, ())})
    with pytest.raises(DataError, match="has no examples"):
        train(make_batches((directory, empty)))


def test_a_network_with_other_channels_is_refused(written):
    with pytest.raises(ConfigError, match="have 3 channels and the network takes 1"):
        train(make_batches(written, image_shape=(32, 32, 1)))


def test_a_start_beyond_the_end_is_refused(written):
    with pytest.raises(ConfigError, match="start step 19 lies outside the 18 steps"):
        train(make_batches(written), start_step=19)


def broken(tmp_path, records):
    return make_batches((str(tmp_path), tiny_data.write_data(str(tmp_path), {"train": records})))


def no_steps(directory, records):
    """Only makes the data set, which reads a cached split."""
    train(broken(directory, records))


def steps(directory, records):
    batches = dataclasses.replace(broken(directory, records), cache_bytes=0)
    with load.reading(batches.directory):
        list(train(batches))


def evaluation(directory, records):
    batches = dataclasses.replace(broken(directory, records), cache_bytes=0)
    with load.reading(batches.directory):
        list(pipeline.evaluation_dataset(batches))


def steps_in_a_graph(directory, records):
    """As `fit` reads: there a stack trace stands before the reason."""
    batches = dataclasses.replace(broken(directory, records), cache_bytes=0)

    @tf.function
    def step(iterator):
        return tf.reduce_sum(next(iterator)[0])

    with load.reading(batches.directory):
        iterator = iter(train(batches))
        for _ in range(3):
            step(iterator)


@pytest.fixture(params=[no_steps, steps, evaluation, steps_in_a_graph], ids=lambda f: f.__name__)
def read(request):
    return request.param


def expected(directory, reason):
    return (
        rf"^the records in '{directory}' cannot be read: {reason}\. "
        rf"`tfinspect check-records {directory}` says which; then convert the data again\.$"
    )


def test_a_record_of_another_length_is_an_error_of_ours(tmp_path, read):
    records = [tiny_data.example(image=b"\0" * 3000, label=1)] * 20
    with pytest.raises(DataError, match=expected(tmp_path, r"Shape of tensor .*3000.*3072\]")):
        read(tmp_path, records)


def test_a_record_of_another_schema_is_an_error_of_ours(tmp_path, read):
    records = [tiny_data.example(picture=b"\0" * 3072, label=1)] * 20
    with pytest.raises(DataError, match=expected(tmp_path, r".*Feature: image .*not be found")):
        read(tmp_path, records)


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_out_of_range_is_refused(tmp_path, read, label):
    records = tiny_data.raw_records(tiny_data.images(20)[0], [3, label] * 10)
    reason = (
        f"there are labels from {min(label, 3)} to {max(label, 3)} where the 10 label names "
        "allow 0 to 9"
    )
    with pytest.raises(DataError, match=expected(tmp_path, reason)):
        read(tmp_path, records)


def test_an_encoded_image_that_is_none_is_an_error_of_ours(tmp_path):
    records = tiny_data.encoded_records([b"no image"] * 20, [1] * 20)
    manifest = tiny_data.write_data(str(tmp_path), {"train": records}, "encoded", None)
    with pytest.raises(DataError, match=expected(tmp_path, r"(?s:.*)image(?s:.*)")):
        train(make_batches((str(tmp_path), manifest)))


def test_errors_of_other_ops_are_no_errors_of_records():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size"):
        with load.reading("here"):
            tf.linalg.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))


def test_a_missing_shard_is_named(tmp_path, batches):
    moved = dataclasses.replace(batches, directory=str(tmp_path))
    with pytest.raises(DataError, match=r"shard '.*train-0\.tfrecord' is missing; convert"):
        train(moved)


@pytest.mark.parametrize("cache_bytes", [0, 10**9])
def test_a_corrupt_shard_is_an_error_of_ours(tmp_path, cache_bytes):
    batches = broken(tmp_path, tiny_data.raw_records(*tiny_data.images(20)))
    path = tmp_path / "train-1.tfrecord"
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=expected(tmp_path, r"corrupted record at 12")):
        with load.reading(batches.directory):
            list(train(dataclasses.replace(batches, cache_bytes=cache_bytes)))


def test_fewer_examples_than_promised_are_refused(tmp_path):
    batches = broken(tmp_path, tiny_data.raw_records(*tiny_data.images(20)))
    splits = {"train": dataclasses.replace(batches.manifest.splits["train"], examples=25)}
    more = dataclasses.replace(batches.manifest, splits=splits)
    with pytest.raises(DataError, match="holds 20 examples where its manifest promises 25"):
        train(dataclasses.replace(batches, manifest=more))
