import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from made_sources import cifar_part, python_files, write_folder, write_tar

from tfinspect.data.check import check_records
from tfinspect.data.convert import convert
from tfinspect.data.example_proto import encode_example
from tfinspect.data.manifest import read_manifest, write_manifest
from tfinspect.data.raw_records import frame_raw
from tfinspect.data.tfrecord import frame
from tfinspect.errors import DataError

RECORD = 3126  # bytes of a framed raw record of 32x32 pixels
TEST = "test-00000-of-00001.tfrecord"
TRAIN = "train-00000-of-00001.tfrecord"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_tar(tmp_path_factory.mktemp("archive") / "small.tar.gz", python_files())


@pytest.fixture
def shards(archive, tmp_path):
    convert(archive, str(tmp_path / "records"))
    return tmp_path / "records"


def findings(path):
    return [(finding.kind, str(finding)) for finding in check_records(str(path)).findings]


def damage(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data) or data)


def flip(position):
    def change(data):
        data[position] ^= 1

    return change


def test_sound_shards_have_no_finding(shards):
    report = check_records(str(shards))
    assert report.findings == ()
    assert [(f.split, f.schema, f.examples, f.findings) for f in report.files] == [
        ("train", "raw", 45, 0),
        ("validation", "raw", 5, 0),
        ("test", "raw", 10, 0),
    ]
    assert report.examples == 60
    assert sum(file.bytes for file in report.files) == 60 * RECORD


def test_progress_counts_bytes_up_to_the_total(shards):
    seen = []
    check_records(str(shards), progress=lambda *report: seen.append(report))
    total = sum(path.stat().st_size for path in shards.glob("*.tfrecord"))
    done = [report[1] for report in seen]
    assert {report[0] for report in seen} == {f"checking {shards}"}
    assert seen[-1][1:] == (total, total)
    assert done == sorted(done)


def test_the_label_histogram_is_by_split_and_name(shards):
    rows = {row["label"]: row for row in check_records(str(shards)).label_rows()}
    labels = cifar_part(10, 5)[1]
    assert rows["name3"]["test"] == (labels == 3).sum()
    assert sum(row["train"] for row in rows.values()) == 45


@pytest.mark.parametrize("name", ["", "manifest.json", "*.tfrecord"])
def test_a_directory_its_manifest_and_a_glob_are_the_same(shards, name):
    report = check_records(str(shards / name))
    assert sorted(file.split for file in report.files) == ["test", "train", "validation"]
    assert report.label_rows()[0]["label"] == "name0"


def test_one_file_is_checked_by_its_manifest(shards):
    damage(shards / TEST, lambda data: data[:RECORD])
    report = check_records(str(shards / TEST))
    assert [str(finding) for finding in report.findings] == [
        f"{shards / TEST}: holds 1 records, 10 by the manifest"
    ]


def test_the_first_bad_record_is_named_and_other_files_go_on(shards):
    damage(shards / TRAIN, flip(3 * RECORD + 100))
    damage(shards / TEST, lambda data: data[: 4 * RECORD + 50])
    report = check_records(str(shards))
    assert [str(finding) for finding in report.findings if finding.kind == "corrupt"] == [
        f"{shards / TRAIN}: record 3 at byte {3 * RECORD} has a wrong CRC32C of its data",
        f"{shards / TEST}: record 4 at byte {4 * RECORD} is cut off: 38 of 3114 bytes are there",
    ]
    assert [file.examples for file in report.files] == [3, 5, 4]


def test_a_lost_record_differs_from_the_manifest(shards):
    damage(shards / TEST, lambda data: data[: 8 * RECORD])
    assert findings(shards) == [
        ("count", f"{shards / TEST}: holds 8 records, 10 by the manifest"),
    ]


def test_other_records_differ_from_the_manifest(shards):
    rows, labels = cifar_part(10, 99)
    (shards / TEST).write_bytes(frame_raw(rows.reshape(-1, 3, 32, 32), labels))
    assert findings(shards) == [
        ("sha256", f"{shards / TEST}: differs from the SHA-256 in the manifest")
    ]


def test_missing_and_foreign_shards_are_named(shards):
    (shards / TEST).rename(shards / "other.tfrecord")
    assert findings(shards) == [
        ("missing", f"{shards / TEST}: is missing"),
        ("unlisted", f"{shards / 'other.tfrecord'}: is not in the manifest"),
    ]


def test_a_manifest_that_contradicts_itself_is_told(shards):
    manifest = read_manifest(str(shards))
    wrong = dataclasses.replace(manifest.splits["test"], label_histogram={"nobody": 9})
    splits = {**manifest.splits, "test": wrong}
    write_manifest(str(shards), dataclasses.replace(manifest, splits=splits))
    assert findings(shards) == [
        (
            "label",
            f"{shards}/manifest.json: counts the label 'nobody' of 'test', which is no label name",
        ),
        ("count", f"{shards}/manifest.json: its counts of 'test' contradict each other"),
    ]


def test_labels_out_of_range_are_counted_and_the_first_is_named(shards):
    rows, labels = cifar_part(10, 5)
    labels[[4, 7]] = 10, 12
    (shards / TEST).write_bytes(frame_raw(rows.reshape(-1, 3, 32, 32), labels))
    assert findings(shards)[0] == (
        "label",
        f"{shards / TEST}: record 4 at byte {4 * RECORD} has label 10, out of the range 0 to 9 "
        "(and 1 more like it)",
    )


def write_records(path, *examples):
    path.write_bytes(b"".join(frame(encode_example(example)) for example in examples))
    return path


RAW = {"image": bytes(12), "label": 1}


@pytest.mark.parametrize(
    ("second", "kind", "reason"),
    [
        ({**RAW, "label": -1}, "label", "has the negative label -1"),
        ({**RAW, "image": bytes(9)}, "image", "has 9 image bytes instead of 12"),
        ({**RAW, "image": b""}, "image", "has no image bytes"),
        ({**RAW, "label": 1.0}, "schema", "schema 'image: bytes, label: float' instead of 'raw'"),
        ({}, "schema", "has the schema 'no features' instead of 'raw'"),
    ],
)
def test_a_record_unlike_the_first_is_named(tmp_path, second, kind, reason):
    path = write_records(tmp_path / "x.tfrecord", RAW, second)
    ((found, text),) = findings(path)
    assert found == kind
    assert "record 1 at byte " in text
    assert reason in text


def test_a_record_that_is_no_example_is_named(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(frame(b"\xff\xff\xff"))
    assert findings(tmp_path / "x.tfrecord") == [
        ("example", f"{tmp_path / 'x.tfrecord'}: record 0 at byte 0 is no tf.train.Example")
    ]


def test_another_schema_is_described(tmp_path):
    write_records(tmp_path / "x.tfrecord", {"x": [1.0, 2.0], "id": 3})
    report = check_records(str(tmp_path / "x.tfrecord"))
    assert report.files[0].schema == "id: int64, x: float"
    assert report.findings == ()


def encoded(tmp_path, **change):
    from PIL import Image

    Image.new("RGB", (4, 3)).save(tmp_path / "a.png")
    return {
        "image/encoded": (tmp_path / "a.png").read_bytes(),
        "image/format": b"png",
        "image/height": 3,
        "image/width": 4,
        "image/filename": b"a.png",
        "label": 0,
        **change,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image/encoded": b"no image"}, "has image bytes that are no image"),
        ({"image/width": 5}, "says 3x5 pixels but its image has 3x4"),
        ({"image/height": []}, "has the schema"),
        ({"image/height": np.zeros(0, np.int64)}, "has no 'image/height'"),
    ],
)
def test_encoded_images_must_be_what_they_say(tmp_path, change, reason):
    good = encoded(tmp_path)
    write_records(tmp_path / "x.tfrecord", good, encoded(tmp_path, **change))
    ((_, text),) = findings(tmp_path / "x.tfrecord")
    assert reason in text


def test_an_empty_file_is_a_finding(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(b"")
    assert findings(tmp_path) == [("empty", f"{tmp_path / 'x.tfrecord'}: holds no record")]


def test_images_in_two_splits_are_found(tmp_path):
    one, two = {**RAW, "image": b"1" * 12}, {**RAW, "image": b"2" * 12}
    write_records(tmp_path / "train.tfrecords", one, one, two)
    write_records(tmp_path / "eval.tfrecords", RAW, two, one)
    assert findings(tmp_path) == [
        (
            "duplicate",
            f"{tmp_path / 'train.tfrecords'}: record 0 at byte 0 has the image of record 2 of "
            f"{tmp_path / 'eval.tfrecords'} (3 images of 'train' are in 'eval')",
        )
    ]


def test_a_sample_holds_the_same_number_of_every_label(shards):
    report = check_records(str(shards), sample=True)
    names = [image.label for image in report.sample]
    assert names == sorted(names)
    assert max(names.count(name) for name in names) <= 10
    rows, labels = cifar_part(10, 0)
    first = next(image.image for image in report.sample if image.label == f"name{labels[0]}")
    np.testing.assert_array_equal(first.transpose(2, 0, 1).ravel(), rows[0])


def test_a_sample_of_encoded_images_is_decoded(tmp_path):
    folder = write_folder(tmp_path / "photos", {"a": 3, "b": 3})
    convert(str(folder), str(tmp_path / "records"))
    report = check_records(str(tmp_path / "records"), sample=True)
    assert {image.image.shape for image in report.sample} == {(6, 8, 3)}
    assert len(report.sample) == 6


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none", "no TFRecord file '.*none'; give a file, a directory"),
        ("*.none", "no TFRecord file"),
        (".", "holds no TFRecord file"),
    ],
)
def test_paths_without_records(tmp_path, path, message):
    with pytest.raises(DataError, match=message):
        check_records(str(tmp_path / path))


def test_remote_records_are_checked(archive):
    convert(archive, "ram://check/records")
    assert check_records("ram://check/records").findings == ()
    assert len(check_records("ram://check/records/t*").files) == 2


def test_tensorflow_is_not_imported(shards):
    code = (
        "import sys; from tfinspect.data.check import check_records;"
        "check_records(sys.argv[1], sample=True);"
        "print([m for m in ('tensorflow', 'matplotlib', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(shards)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
