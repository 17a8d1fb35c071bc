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
    assert found.others == (f"{folder}/.hidden.png", f"{folder}/b/notes.txt")


def test_files_come_as_they_are_given_whatever_their_name(folder):
    given = [f"{folder}/b/notes.txt", f"{folder}/z.png"]
    found = image_paths(given)
    assert (list(found.paths), found.others) == (given, ())


def test_a_missing_path_is_named():
    with pytest.raises(DataError, match=r"no image 'nowhere'; give the path of a PNG"):
        image_paths(["nowhere"])


def test_a_directory_without_images_is_named(folder):
    empty = f"{folder}/empty"
    os.mkdir(empty)
    with pytest.raises(DataError, match=r"the directory '.*empty' is empty; give images, or"):
        image_paths([empty])


def test_a_directory_of_other_files_names_the_first(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(
        DataError, match=r"no file in '.*' is an image by its name; the first is '.*notes"
    ):
        image_paths([str(tmp_path)])


@pytest.mark.parametrize("name", ["a.tiff", "b.TIF", "c.ppm", "d.jfif"])
def test_directories_give_what_is_read_by_its_path(tmp_path, name):
    (tmp_path / name).touch()
    assert image_paths([str(tmp_path)]).paths == (str(tmp_path / name),)
