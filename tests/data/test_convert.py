import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from made_sources import cifar_part, python_files, write_folder, write_tar

from tfinspect.data.convert import convert
from tfinspect.data.example_proto import decode_example
from tfinspect.data.manifest import read_manifest
from tfinspect.data.tfrecord import read_records

ORACLE = Path(__file__).parents[1] / "oracle" / "cifar10_data"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_tar(tmp_path_factory.mktemp("archive") / "small.tar.gz", python_files())


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return str(write_folder(tmp_path_factory.mktemp("data") / "photos", {"cat": 12, "dog": 9}))


def records(paths):
    return [record.data for path in paths for record in read_records(str(path))]


def split_records(directory, split):
    return records(read_manifest(str(directory)).paths(str(directory), split))


def content(data):
    features = decode_example(data)
    return sorted(features), features["image"], features["label"].tolist()


@pytest.fixture(scope="module")
def oracle_shards(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("oracle") / "shards")
    convert(str(ORACLE / "cifar-10-python.tar.gz"), directory)
    return directory


def test_test_records_equal_the_original_converters(oracle_shards):
    theirs = records([ORACLE / "eval.tfrecords"])
    ours = split_records(oracle_shards, "test")
    assert [content(data) for data in ours] == [content(data) for data in theirs]
    # Protobuf does not promise an order of the two features; ours is sorted, theirs mostly is.
    assert {len(data) for data in ours} == {len(data) for data in theirs}
    assert sum(ours[i] == theirs[i] for i in range(20)) >= 10


def test_training_records_equal_the_original_converters_in_order(oracle_shards):
    theirs = records([ORACLE / "train.tfrecords", ORACLE / "validation.tfrecords"])
    train, validation = (split_records(oracle_shards, split) for split in ("train", "validation"))
    assert (len(train), len(validation)) == (90, 10)
    assert [content(d) for d in [*train, *validation]] == [content(data) for data in theirs]


def test_the_manifest_says_what_is_there(archive, tmp_path):
    manifest = convert(archive, str(tmp_path / "out"), shards=3)
    assert (manifest.name, manifest.schema, manifest.image_shape) == ("small", "raw", (32, 32, 3))
    assert {split: info.examples for split, info in manifest.splits.items()} == {
        "train": 45,
        "validation": 5,
        "test": 10,
    }
    labels = cifar_part(10, 5)[1]
    assert manifest.splits["test"].label_histogram == {
        f"name{label}": int((labels == label).sum()) for label in range(10)
    }
    for info in manifest.splits.values():
        for shard in info.shards:
            data = (tmp_path / "out" / shard.file).read_bytes()
            assert (shard.bytes, shard.sha256) == (len(data), hashlib.sha256(data).hexdigest())
            assert shard.examples == len(records([tmp_path / "out" / shard.file]))


def test_shards_are_shared_in_proportion_and_named(archive, tmp_path):
    convert(archive, str(tmp_path / "out"), shards=9)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "test-00000-of-00002.tfrecord",
        "test-00001-of-00002.tfrecord",
        *(f"train-{index:05d}-of-00009.tfrecord" for index in range(9)),
        "validation-00000-of-00001.tfrecord",
    ]


@pytest.mark.parametrize("source", ["archive", "photos"])
def test_records_depend_neither_on_shards_nor_on_workers(request, tmp_path, source):
    source = request.getfixturevalue(source)
    convert(source, str(tmp_path / "one"), shards=1, workers=1)
    convert(source, str(tmp_path / "many"), shards=7, workers=5)
    for split in ("train", "validation", "test"):
        assert split_records(tmp_path / "one", split) == split_records(tmp_path / "many", split)


def test_encoded_records_keep_the_files_bytes(photos, tmp_path):
    manifest = convert(photos, str(tmp_path / "out"))
    assert (manifest.schema, manifest.image_shape) == ("encoded", (6, 8, 3))
    seen = []
    for split in manifest.splits:
        for data in split_records(tmp_path / "out", split):
            features = decode_example(data)
            name = features["image/filename"][0].decode()
            seen.append(name)
            assert features["image/encoded"] == [(Path(photos) / name).read_bytes()]
            assert features["image/format"] == [b"png"]
            assert manifest.label_names[features["label"][0]] == name.split("/")[0]
            assert (features["image/height"][0], features["image/width"][0]) == (6, 8)
    assert len(seen) == len(set(seen)) == 21


def test_tensorflow_reads_encoded_records(photos, tmp_path):
    manifest = convert(photos, str(tmp_path / "out"))
    spec = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    (data,) = tf.data.TFRecordDataset(manifest.paths(str(tmp_path / "out"), "test")).take(1)
    parsed = tf.io.parse_single_example(data, spec)
    assert tf.io.decode_image(parsed["image/encoded"]).shape == (6, 8, 3)


def test_raw_records_of_image_files_are_planes(photos, tmp_path):
    manifest = convert(photos, str(tmp_path / "out"), schema="raw")
    encoded = convert(photos, str(tmp_path / "encoded"))
    assert manifest.image_shape == (6, 8, 3)
    raw = decode_example(split_records(tmp_path / "out", "test")[0])
    png = decode_example(split_records(tmp_path / "encoded", "test")[0])
    planes = np.frombuffer(raw["image"][0], np.uint8).reshape(3, 6, 8)
    decoded = tf.io.decode_png(png["image/encoded"][0]).numpy()
    np.testing.assert_array_equal(planes.transpose(1, 2, 0), decoded)
    assert encoded.splits["train"].label_histogram == manifest.splits["train"].label_histogram


def test_arrays_are_encoded_without_loss(archive, tmp_path):
    convert(archive, str(tmp_path / "out"), schema="encoded")
    data = decode_example(split_records(tmp_path / "out", "test")[3])
    pixels = tf.io.decode_png(data["image/encoded"][0]).numpy()
    expected = cifar_part(10, 5)[0][3].reshape(3, 32, 32)
    np.testing.assert_array_equal(pixels.transpose(2, 0, 1), expected)


def test_labels_beyond_one_byte_are_written(tmp_path):
    write_folder(tmp_path / "photos", {f"class{index:03d}": 3 for index in range(130)}, size=(4, 4))
    convert(str(tmp_path / "photos"), str(tmp_path / "out"), schema="raw")
    labels = [decode_example(d)["label"][0] for d in split_records(tmp_path / "out", "test")]
    assert sorted(labels) == list(range(130))


def test_converting_again_does_nothing(archive, tmp_path, monkeypatch):
    first = convert(archive, str(tmp_path / "out"))
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    monkeypatch.delattr("tfinspect.data.cifar.load_archive")
    assert convert(archive, str(tmp_path / "out")) == first
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"short")])
def test_a_damaged_conversion_is_done_again(archive, tmp_path, damage):
    first = convert(archive, str(tmp_path / "out"))
    damage(tmp_path / "out" / "test-00000-of-00001.tfrecord")
    assert convert(archive, str(tmp_path / "out")) == first
    assert len(split_records(tmp_path / "out", "test")) == 10


def test_the_same_conversion_gives_the_same_bytes(photos, tmp_path):
    first, second = (convert(photos, str(tmp_path / name), workers=4) for name in "ab")
    assert first == second
    assert first.fingerprint() == second.fingerprint()
    other = convert(photos, str(tmp_path / "c"), seed=1)
    assert other.fingerprint() != first.fingerprint()


def test_corrupt_files_can_be_skipped(tmp_path):
    folder = write_folder(tmp_path / "photos", {"a": 5, "b": 5})
    (folder / "b" / "broken.jpg").write_bytes(b"")
    manifest = convert(str(folder), str(tmp_path / "out"), skip_corrupt=True)
    assert manifest.skipped == ("b/broken.jpg",)
    assert sum(info.examples for info in manifest.splits.values()) == 10
    assert convert(str(folder), str(tmp_path / "out"), skip_corrupt=True) == manifest


def test_progress_ends_at_the_total(archive, tmp_path):
    seen = []
    convert(archive, str(tmp_path / "out"), progress=lambda *report: seen.append(report))
    assert seen[-1] == ("writing small", 60, 60)


def test_source_and_destination_may_be_remote(tmp_path):
    write_folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    for name in ("cat", "dog"):
        tf.io.gfile.makedirs(f"ram://convert/photos/{name}")
        for path in (tmp_path / "photos" / name).iterdir():
            tf.io.gfile.copy(str(path), f"ram://convert/photos/{name}/{path.name}", overwrite=True)
    remote = convert("ram://convert/photos", "ram://convert/out")
    local = convert(str(tmp_path / "photos"), str(tmp_path / "out"))
    assert remote.fingerprint() == local.fingerprint()
    assert read_manifest("ram://convert/out") == remote
    assert convert("ram://convert/photos", "ram://convert/out") == remote
    assert sorted(tf.io.gfile.listdir("ram://convert/out")) == sorted(
        path.name for path in (tmp_path / "out").iterdir()
    )


KILLED = """
import os, sys
from tfinspect.data.convert import convert
convert(sys.argv[1], sys.argv[2], progress=lambda *_: os._exit(9))
"""


def test_a_killed_conversion_is_no_manifest_and_can_be_repeated(archive, tmp_path):
    directory = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, archive, str(directory)])
    assert done.returncode == 9
    assert all(path.name.startswith((".partial-", ".lock")) for path in directory.iterdir())
    manifest = convert(archive, str(directory))
    assert len(list(directory.iterdir())) == 1 + 3
    assert dataclasses.replace(manifest) == read_manifest(str(directory))
