import numpy as np
import pytest
from PIL import Image

from tfinspect.data.image_file import ReadImage
from tfinspect.data.image_set import change_notes, read_image_set, size_note


@pytest.fixture
def folder(tmp_path):
    for number in range(10):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").touch()
    return str(tmp_path)


def read(path, *changes, shape=(4, 6, 3)):
    return ReadImage(path, np.zeros(shape, np.uint8), changes)


def test_all_images_of_a_directory_are_read_and_the_rest_is_said(folder):
    found = read_image_set([folder])
    assert [int(pixels[0, 0, 0]) for pixels in found.pixels] == list(range(10))
    assert found.notes == (f"left out, as no image by name: {folder}/notes.txt.",)


def test_beyond_the_limit_images_are_sampled_evenly_and_said(folder):
    found = read_image_set([folder], limit=4)
    assert [int(pixels[0, 0, 0]) for pixels in found.pixels] == [0, 3, 6, 9]
    assert found.notes[1] == "4 of 10 images are looked at, evenly spread."


def test_few_converted_files_are_named_each(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "grey.png")
    found = read_image_set([str(tmp_path / "grey.png")])
    assert found.notes == (f"{tmp_path}/grey.png: grey made RGB.",)


def test_many_converted_files_are_one_note():
    images = [read(f"{number}.png", "grey made RGB") for number in range(300)]
    images += [read("a.gif", "first of 2 frames taken", "transparency dropped"), read("b.png")]
    assert change_notes(images) == [
        "0.png and 299 more: grey made RGB.",
        "a.gif: first of 2 frames taken, transparency dropped.",
    ]


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (4, 6, None),
        (None, None, None),
        (None, 6, None),
        (8, 6, "a: resized to 8 x 6 (height x width), as the model takes images."),
    ],
)
def test_images_of_another_size_are_said_to_be_resized(height, width, expected):
    assert size_note([read("a")], height, width) == expected
