import io
import pickle
import tarfile

import numpy as np
import pytest
from made_sources import binary_rows, cifar_part, python_files, write_tar

from tfinspect.data.cifar import load_archive, load_directory
from tfinspect.errors import DataError


def test_the_last_tenth_of_the_training_examples_is_validation(tmp_path):
    path = write_tar(tmp_path / "c.tar.gz", python_files(count=10))
    examples = load_archive(path)
    rows = np.concatenate([cifar_part(10, seed)[0] for seed in range(5)])
    labels = np.concatenate([cifar_part(10, seed)[1] for seed in range(5)])
    train, validation = examples.splits["train"], examples.splits["validation"]
    assert (len(train.labels), len(validation.labels)) == (45, 5)
    images = np.concatenate([train.images, validation.images])
    np.testing.assert_array_equal(images.reshape(50, 3072), rows)
    np.testing.assert_array_equal(np.concatenate([train.labels, validation.labels]), labels)
    np.testing.assert_array_equal(examples.splits["test"].labels, cifar_part(10, 5)[1])
    assert examples.label_names[3] == "name3"


def test_an_extracted_directory_is_read_like_its_archive(tmp_path):
    contents = python_files()
    archive = load_archive(write_tar(tmp_path / "c.tar.gz", contents))
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    directory = load_directory(str(tmp_path))
    for split, part in archive.splits.items():
        np.testing.assert_array_equal(directory.splits[split].images, part.images)


def test_binary_and_python_versions_agree(tmp_path):
    contents = {"batches.meta.txt": b"".join(b"name%d\n" % k for k in range(10)) + b"\n"}
    for seed in range(6):
        name = f"data_batch_{seed + 1}.bin" if seed < 5 else "test_batch.bin"
        contents[name] = binary_rows(*cifar_part(10, seed))
    binary = load_archive(write_tar(tmp_path / "b.tar.gz", contents))
    python = load_archive(write_tar(tmp_path / "p.tar.gz", python_files()))
    assert binary.label_names == python.label_names
    for split, part in python.splits.items():
        np.testing.assert_array_equal(binary.splits[split].images, part.images)
        np.testing.assert_array_equal(binary.splits[split].labels, part.labels)


def hundred(version):
    names = [f"fine{k}" for k in range(100)]
    rows, fine = cifar_part(20, 0, 100)
    coarse = fine // 5
    if version == "binary":
        data = binary_rows(rows, coarse, fine)
        text = "\n".join(names).encode()
        return {"train.bin": data, "test.bin": data, "fine_label_names.txt": text}
    data = {b"data": rows, b"coarse_labels": coarse.tolist(), b"fine_labels": fine.tolist()}
    meta = {b"fine_label_names": names, b"coarse_label_names": ["x"]}
    part = pickle.dumps(data, protocol=2)
    return {"train": part, "test": part, "meta": pickle.dumps(meta, protocol=2)}


@pytest.mark.parametrize("version", ["python", "binary"])
def test_cifar_100_has_its_fine_labels(tmp_path, version):
    examples = load_archive(write_tar(tmp_path / "h.tar.gz", hundred(version)))
    rows, fine = cifar_part(20, 0, 100)
    np.testing.assert_array_equal(examples.splits["test"].labels, fine)
    np.testing.assert_array_equal(examples.splits["test"].images.reshape(20, 3072), rows)
    assert examples.label_names[99] == "fine99"


def test_a_missing_member_is_named(tmp_path):
    contents = python_files()
    del contents["data_batch_3"]
    with pytest.raises(DataError, match=r"c.tgz' lacks 'data_batch_3' of cifar10 \(python"):
        load_archive(write_tar(tmp_path / "c.tgz", contents))


def test_an_archive_of_something_else_is_told(tmp_path):
    with pytest.raises(DataError, match=r"x.tar' holds no file of CIFAR-10 or CIFAR-100; give"):
        load_archive(write_tar(tmp_path / "x.tar", {"a.txt": b"a"}, mode="w"))


ROWS, LABELS = cifar_part(4, 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"data": ROWS, "labels": [0, 1, 10, 3]}, "image 2 has label 10, out of the range 0 to 9"),
        ({"data": ROWS, "labels": [0, -1, 1, 3]}, "image 1 has label -1, out of the range"),
        ({"data": ROWS[:3], "labels": [0, 1, 2, 3]}, r"no uint8 array \[4, 3072\]"),
        ({"data": ROWS.astype(float), "labels": [0, 1, 2, 3]}, "no uint8 array"),
        ({"data": ROWS}, "it has no 'labels'"),
        ({"labels": [1]}, "it has no 'data'"),
        ({"data": ROWS[:0], "labels": []}, "it holds no image"),
        ({"data": ROWS, "labels": ["a", "b", "c", "d"]}, "labels are no integers"),
        ([1], "it is no dictionary"),
    ],
)
def test_malformed_batches_are_named(tmp_path, fields, reason):
    contents = {**python_files(), "data_batch_4": pickle.dumps(fields, protocol=2)}
    with pytest.raises(DataError, match=f"'data_batch_4' in '.*' is not as cifar10 .*{reason}"):
        load_archive(write_tar(tmp_path / "c.tar.gz", contents))


def test_a_foreign_pickle_is_refused_and_not_run(tmp_path):
    marker = tmp_path / "ran"
    code = f"cposix\nsystem\n(Vtouch {marker}\ntR.".encode()
    path = write_tar(tmp_path / "c.tar.gz", {**python_files(), "test_batch": code})
    with pytest.raises(DataError, match=r"'test_batch' in '.*' is a pickle .*'posix.system'"):
        load_archive(path)
    assert not marker.exists()


def test_binary_rows_must_be_whole(tmp_path):
    contents = {f"data_batch_{k}.bin": bytes(3073) for k in range(1, 6)}
    contents |= {"test_batch.bin": bytes(3072), "batches.meta.txt": b"a\nb\n"}
    with pytest.raises(DataError, match="3072 bytes are no whole rows of 3073"):
        load_archive(write_tar(tmp_path / "b.tar.gz", contents))


def test_other_members_are_not_even_opened(tmp_path):
    path = tmp_path / "c.tar"
    write_tar(path, python_files(), mode="w")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("cifar/readme.html")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"\x80\x02c"))
    assert len(load_archive(str(path)).splits["test"].labels) == 10
