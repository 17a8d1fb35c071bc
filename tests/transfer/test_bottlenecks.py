"""Features on disk: computed once for the same weights, images and preprocessing."""

import dataclasses
import os

import numpy as np
import pytest
from transfer_images import write_images

from tfinspect.data import pipeline
from tfinspect.data.order import Order
from tfinspect.data.prepare import prepare
from tfinspect.errors import DataError
from tfinspect.training.progress import Progress
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer import bottlenecks
from tfinspect.transfer.boundary import cut
from tfinspect.transfer.head_data import evaluation_features, training_features
from tfinspect.transfer.prepare_tuning import prepare_tuning
from tfinspect.transfer.restore import restore
from tfinspect.transfer.train_head import split_features
from tfinspect.transfer.tuning import Tuning, weighted
from tfinspect.transfer.tuning_request import TuningRequest


def filled(prepared):
    restore(prepared.model, prepared.artifact, prepared.request.rules)
    prepared.model.begin(prepared.stages[0])


def with_fewer_splits(manifest):
    splits = {name: split for name, split in manifest.splits.items() if name != "test"}
    return dataclasses.replace(manifest, splits=splits)


@pytest.fixture(scope="module")
def tuning(pretrained, settings):
    prepared = prepare_tuning(TuningRequest(pretrained), settings)
    filled(prepared)
    return Tuning(
        prepared.config,
        prepared.data,
        prepared.model,
        prepared.stages,
        RunDirectory("nowhere"),
        Progress(),
        Observer(),
    )


@pytest.fixture(scope="module")
def network(tuning):
    return cut(tuning.model)


@pytest.fixture(scope="module")
def unequal(tmp_path_factory):
    """Converted images of three classes, each with another number."""
    counts = {"dark": 10, "grün": 20, "明るい": 30}
    return prepare(write_images(tmp_path_factory.mktemp("data") / "unequal", counts), seed=0)


def test_features_are_what_the_network_gives_in_stored_order(tuning, network):
    features = split_features(tuning, network, "validation")
    (stored,) = features.arrays
    given = [network.features(x)[0] for x, _ in pipeline.evaluation_dataset(
        tuning.batches("validation")
    )]  # fmt: skip
    np.testing.assert_allclose(stored, np.concatenate(given), rtol=1e-5)


def test_features_are_computed_once(tuning, network, monkeypatch):
    first = split_features(tuning, network, "validation")
    monkeypatch.setattr(bottlenecks, "_compute", lambda *_: pytest.fail("computed again"))
    again = split_features(tuning, network, "validation")
    assert again.directory == first.directory
    np.testing.assert_array_equal(again.labels, first.labels)


def test_other_weights_have_features_of_their_own(tuning, network):
    first = split_features(tuning, network, "validation")
    variable = tuning.model.variables_by_name()["resnet/conv1/weights"]
    before = variable.numpy()
    variable.assign(2 * before)
    other = split_features(tuning, network, "validation")
    variable.assign(before)
    assert other.directory != first.directory


def test_another_head_finds_the_same_features(tuning, network):
    first = split_features(tuning, network, "validation")
    variable = tuning.model.variables_by_name()["resnet/logits/weights"]
    variable.assign(variable + 1)
    assert split_features(tuning, network, "validation").directory == first.directory


@pytest.mark.parametrize("changes", [{"tune_epochs": 9}, {"weight_decay": 0.1}, {"seed": 0}])
def test_settings_of_training_alone_find_the_same_features(
    tuning, network, pretrained, settings, changes
):
    first = split_features(tuning, network, "validation")
    prepared = prepare_tuning(TuningRequest(pretrained), dataclasses.replace(settings, **changes))
    filled(prepared)
    again = dataclasses.replace(tuning, config=prepared.config, model=prepared.model)
    assert split_features(again, cut(prepared.model), "validation").directory == first.directory


@pytest.mark.parametrize(
    "change",
    [
        lambda batches: {"image_shape": (9, 9, 3)},
        lambda batches: {"preprocessing": dataclasses.replace(batches.preprocessing, scale=2.0)},
        lambda batches: {"split": "test"},
        lambda batches: {"manifest": with_fewer_splits(batches.manifest)},
    ],
    ids=["image size", "preprocessing", "split", "records"],
)
def test_other_images_have_features_of_their_own(tuning, network, change):
    batches = tuning.batches("validation")
    other = dataclasses.replace(batches, **change(batches))
    keys = {
        bottlenecks.feature_key(tuning.model, network, bottlenecks.Wanted(one, None))
        for one in (batches, other)
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda batches: batches.unbatch().take(5).batch(8), "fewer"),
        (lambda batches: batches.repeat(2), "more"),
    ],
    ids=["fewer", "more"],
)
def test_features_of_another_number_of_records_are_not_kept(
    tuning, network, monkeypatch, tmp_path, changed, words
):
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path))
    usual = pipeline.evaluation_dataset
    monkeypatch.setattr(pipeline, "evaluation_dataset", lambda *given: changed(usual(*given)))
    with pytest.raises(DataError, match=f"the records hold {words} examples than the 6"):
        split_features(tuning, network, "validation")
    assert os.listdir(tmp_path / "features") == []


def test_two_writers_of_the_same_features_leave_each_other_alone(
    tuning, network, monkeypatch, tmp_path
):
    """As in two containers with one cache, whose processes may have the same number."""
    right = split_features(tuning, network, "train")
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path))
    model = tuning.model
    wanted = bottlenecks.Wanted(dataclasses.replace(tuning.batches("train"), batch_size=8), None)
    others = []

    def told(done, total):
        if done == 16:
            first = bottlenecks.bottleneck_features(model, network, wanted, lambda *_: None)
            others.append((first, os.stat(os.path.join(first.directory, "labels.npy")).st_ino))

    second = bottlenecks.bottleneck_features(model, network, wanted, told)
    ((first, number),) = others
    for found in (first, second):
        np.testing.assert_allclose(found.arrays[0], right.arrays[0], rtol=1e-5)
        np.testing.assert_array_equal(found.labels, right.labels)
    # A reader of the first never finds them missing: they have stayed where they were.
    assert os.stat(os.path.join(first.directory, "labels.npy")).st_ino == number
    assert os.listdir(tmp_path / "features") == [os.path.basename(first.directory)]


def test_remnant_of_features_is_replaced(tuning, network, monkeypatch, tmp_path):
    right = split_features(tuning, network, "validation")
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path))
    remnant = tmp_path / "features" / os.path.basename(right.directory)
    remnant.mkdir(parents=True)
    (remnant / "features-0.npy").write_bytes(b"cut off")
    found = split_features(tuning, network, "validation")
    np.testing.assert_allclose(found.arrays[0], right.arrays[0], rtol=1e-5)


def test_features_that_went_missing_are_one_sentence(tuning, network, monkeypatch, tmp_path):
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path))
    directory = split_features(tuning, network, "validation").directory
    os.remove(os.path.join(directory, "features-0.npy"))
    with pytest.raises(DataError, match=r"cannot read '.*': No such file.*; remove it, and give"):
        split_features(tuning, network, "validation")


def test_features_that_were_decided_to_be_computed_are_not_looked_for_again(
    tuning, network, monkeypatch, tmp_path
):
    """The other processes of a cluster wait to help, whatever another run has finished since."""
    right = split_features(tuning, network, "validation")
    told = []
    wanted = bottlenecks.Wanted(
        dataclasses.replace(tuning.batches("validation"), batch_size=8), None
    )
    found = bottlenecks.bottleneck_features(
        tuning.model, network, wanted, lambda *given: told.append(given), cached=False
    )
    assert told[-1] == (len(right.labels), len(right.labels))
    np.testing.assert_allclose(found.arrays[0], right.arrays[0], rtol=1e-5)


def test_features_that_are_used_are_kept(tuning, network):
    directory = split_features(tuning, network, "validation").directory
    labels = os.path.join(directory, "labels.npy")
    os.utime(labels, (0, 0))
    split_features(tuning, network, "validation")
    assert os.stat(labels).st_mtime > 0


def test_several_views_of_the_training_images_are_put_together(tuning, network):
    config = dataclasses.replace(tuning.config, views=2)
    features = split_features(dataclasses.replace(tuning, config=config), network, "train")
    images = tuning.data[1].splits["train"].examples
    assert len(features.labels) == 2 * images
    np.testing.assert_array_equal(features.labels[:images], features.labels[images:])
    first, second = np.arange(images), np.arange(images, 2 * images)
    assert not np.array_equal(features.arrays[0][first], features.arrays[0][second])
    assert all(isinstance(part, np.memmap) for part in features.arrays[0].parts)


def test_epoch_of_features_has_every_example_once(tuning, network):
    features = split_features(tuning, network, "train")
    order = Order(seed=1, epochs=1, per_epoch=len(features.labels), start=0)
    labels = np.concatenate([y.numpy() for _, y in training_features(features, order, 8)])
    np.testing.assert_array_equal(np.sort(labels), np.sort(features.labels))


def test_balanced_weights_give_each_class_the_same_sum(tuning, network, unequal):
    config = dataclasses.replace(tuning.config, class_weights="balanced")
    tuning = dataclasses.replace(tuning, config=config, data=unequal)
    features = split_features(tuning, network, "train")
    assert len(set(np.bincount(features.labels))) == 3
    weights = tuning.class_weights()
    sums = np.zeros(3)
    for _, labels, given in weighted(evaluation_features(features, 8), weights):
        np.add.at(sums, labels.numpy(), given.numpy())
    np.testing.assert_allclose(sums, len(features.labels) / 3, rtol=1e-6)
