import os

import numpy as np
import pytest
from made_sources import write_folder, write_image

from tfinspect.data.image_folder import folder_source, glob_source
from tfinspect.errors import DataError


def names_of(part):
    return [part.name(index) for index in range(len(part.paths))]


def labels_of(examples):
    """Maps every image's name to its class, over all splits."""
    return {
        name: examples.label_names[label]
        for part in examples.splits.values()
        for name, label in zip(names_of(part), part.labels, strict=True)
    }


def test_the_first_folder_is_the_class_at_any_depth(tmp_path):
    write_folder(tmp_path, {"cat": 3, "dog/young/small": 3, "dog": 2})
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    write_image(tmp_path / "cat" / ".thumbnail.png")
    examples = folder_source(str(tmp_path), seed=0).examples
    labels = labels_of(examples)
    assert examples.label_names == ("cat", "dog")
    assert len(labels) == 8
    assert labels["dog/young/small/001.png"] == "dog"


def test_a_tenth_of_every_class_is_for_validation_and_for_test(tmp_path):
    write_folder(tmp_path, {"a": 30, "b": 20, "c": 2})
    splits = folder_source(str(tmp_path), seed=0).examples.splits
    counts = {name: np.bincount(part.labels).tolist() for name, part in splits.items()}
    assert counts == {"train": [24, 16, 2], "validation": [3, 2], "test": [3, 2]}
    names = [name for part in splits.values() for name in names_of(part)]
    assert len(names) == len(set(names)) == 52


def test_the_seed_decides_split_and_order(tmp_path):
    write_folder(tmp_path, {"a": 12, "b": 12})
    first, again, other = (
        names_of(folder_source(str(tmp_path), seed).examples.splits["train"]) for seed in (0, 0, 1)
    )
    assert first == again
    assert set(first) != set(other)
    assert list(first) != sorted(first)


def test_split_folders_are_taken_as_they_are(tmp_path):
    for split, count in (("train", 6), ("val", 2), ("test", 3)):
        write_folder(tmp_path / split, {"a": count, "b": count})
    splits = folder_source(str(tmp_path), 0).examples.splits
    assert {split: len(part.labels) for split, part in splits.items()} == {
        "train": 12,
        "validation": 4,
        "test": 6,
    }
    assert all(name.startswith("val/") for name in names_of(splits["validation"]))


def test_a_missing_split_is_drawn_from_train(tmp_path):
    write_folder(tmp_path / "train", {"a": 20, "b": 20})
    write_folder(tmp_path / "test", {"a": 3})
    splits = folder_source(str(tmp_path), 0).examples.splits
    assert [len(splits[name].labels) for name in ("train", "validation", "test")] == [36, 4, 3]


def test_classes_may_be_called_like_splits(tmp_path):
    write_folder(tmp_path, {"train": 5, "test": 5})
    assert folder_source(str(tmp_path), 0).examples.label_names == ("test", "train")


def test_the_fingerprint_follows_names_sizes_and_times(tmp_path):
    write_folder(tmp_path, {"a": 3, "b": 3})
    seen = [folder_source(str(tmp_path), 0).fingerprint["sha256"] for _ in range(2)]
    write_image(tmp_path / "a" / "new.png")
    seen.append(folder_source(str(tmp_path), 0).fingerprint["sha256"])
    os.utime(tmp_path / "a" / "new.png", (1, 1))
    seen.append(folder_source(str(tmp_path), 0).fingerprint["sha256"])
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "has no folder with images; give a folder of the form class/image with .jpg"),
        ({"a": 5}, r"has one class only \('a'\); a classifier needs two or more"),
        ({"a": 5, "b": 0}, "class folder '.*b' holds no image"),
        ({"a": 2, "b": 2}, "too few images for the split 'validation': no class has 3"),
        ({"a": 3, "b": 3, ".": 1}, "image '.*000.png' lies outside the class folders"),
        ({"train/a": 3, "train/b": 3, "test/c": 1}, "class 'c' of the split 'test'.*not among"),
        ({"train/a": 3, "train/b": 3, "val/a": 0}, "val' has no folder with images"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, counts, message):
    for name, count in counts.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        write_folder(tmp_path, {name: count})
    with pytest.raises(DataError, match=message):
        _ = folder_source(str(tmp_path), 0).examples


def test_a_dangling_link_is_named(tmp_path):
    write_folder(tmp_path, {"a": 3, "b": 3})
    (tmp_path / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"cannot read '.*gone.png': No such file"):
        folder_source(str(tmp_path), 0)


def test_in_a_glob_the_directory_is_the_class(tmp_path):
    write_folder(tmp_path, {"x/cat": 4, "x/dog": 4})
    paths = [str(path) for path in tmp_path.glob("x/*/*")]
    examples = glob_source("x/*/*", [*paths, "x/notes.txt"], 0).examples
    assert examples.label_names == ("cat", "dog")
    assert labels_of(examples)["dog/002.png"] == "dog"


def test_a_glob_of_one_class_names_it(tmp_path):
    write_folder(tmp_path, {"cat": 4})
    paths = [str(path) for path in tmp_path.glob("cat/*")]
    with pytest.raises(DataError, match=r"has one class only \('cat'\)"):
        glob_source("cat/*", paths, 0)


def test_a_glob_without_images_is_told():
    with pytest.raises(DataError, match=r"no image among the 1 files of '\*.txt'"):
        glob_source("*.txt", ["a.txt"], 0)
