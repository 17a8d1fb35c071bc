import os

import pytest

from tfinspect.data.image_paths import image_paths
from tfinspect.errors import DataError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("z.png", "b/deep/a.JPG", "b/notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    return str(tmp_path)


def test_a_directory_gives_its_images_at_any_depth_sorted(folder):
    found = image_paths([folder])
    assert found.paths == (f"{folder}/b/deep/a.JPG", f"{folder}/z.png")
    assert found.others == 2


def test_files_come_as_they_are_given_whatever_their_name(folder):
    given = [f"{folder}/b/notes.txt", f"{folder}/z.png"]
    found = image_paths(given)
    assert (list(found.paths), found.others) == (given, 0)


def test_a_missing_path_is_named():
    with pytest.raises(DataError, match=r"no image 'nowhere'; give the path of a PNG"):
        image_paths(["nowhere"])


def test_a_directory_without_images_is_named(folder):
    empty = f"{folder}/empty"
    os.mkdir(empty)
    with pytest.raises(DataError, match=r"no image among the 0 files in '.*empty'; give a dir"):
        image_paths([empty])
