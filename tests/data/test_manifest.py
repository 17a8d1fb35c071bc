import dataclasses
import json

import pytest

from tfinspect.data.manifest import Manifest, Shard, SplitInfo, read_manifest, write_manifest
from tfinspect.errors import DataError


def made(sha256="0" * 64):
    shards = tuple(Shard(f"train-{k}.tfrecord", 2, 9, sha256) for k in range(2))
    return Manifest(
        name="x",
        schema="raw",
        label_names=("a", "b"),
        image_shape=(32, 32, 3),
        splits={"train": SplitInfo(4, {"a": 1, "b": 3}, shards)},
        source={"kind": "digits"},
        seed=7,
        settings={"shards": 2},
        skipped=("a/broken.png",),
    )


def test_what_is_written_is_read(tmp_path):
    write_manifest(str(tmp_path), made())
    assert read_manifest(str(tmp_path)) == made()
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_paths_are_in_the_order_of_the_shards():
    assert made().paths("gs://bucket/x", "train") == [
        "gs://bucket/x/train-0.tfrecord",
        "gs://bucket/x/train-1.tfrecord",
    ]


def test_an_unknown_split_names_those_that_exist():
    with pytest.raises(DataError, match="no split 'tran' in 'here'; nearest: 'train'"):
        made().paths("here", "tran")


def test_the_fingerprint_is_of_the_records():
    assert made().fingerprint() == made().fingerprint() != made("1" * 64).fingerprint()


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_label_without_a_name_is_told_in_every_split(split):
    made().check_labels()
    splits = {**made().splits, split: SplitInfo(3, {"a": 1, "c": 2}, ())}
    with pytest.raises(
        DataError,
        match=f"the split '{split}' of 'x' has the label 'c', which is none of its 2 label names",
    ):
        dataclasses.replace(made(), splits=splits).check_labels()


def test_rows_sum_up_the_splits():
    assert made().rows() == [{"split": "train", "examples": 4, "shards": 2, "bytes": 18}]


def test_a_missing_manifest_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"has no manifest.json, .* with `tfinspect convert SOURCE"):
        read_manifest(str(tmp_path))


def changed(**fields):
    return json.dumps({**json.loads(made().to_json()), **fields})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        (changed(format=2), "format 2, this version reads 1"),
        (changed(splits={"train": {}}), "KeyError: 'examples'"),
        (made().to_json().replace("train-0", "../train-0"), "lies outside the directory"),
        (made("short").to_json(), "has no SHA-256"),
    ],
)
def test_other_texts_are_no_manifest(text, reason):
    with pytest.raises(DataError, match=f"not a manifest of tfinspect .*{reason}.*write the rec"):
        Manifest.from_json(text)
