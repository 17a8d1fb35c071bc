import pytest

from tfinspect.plots.lettering import ending, fitted, font, text_width, wrapped

NAME = "InceptionResnetV2/Repeat_1/block17_10/Branch_1/Conv2d_0b_1x7/weights"


@pytest.mark.parametrize("letters", ["3×3", "Größe", "слой", "επίπεδο", "…−±"])
def test_letters_of_many_alphabets_are_drawn(letters):
    missing = bytes(font(20).getmask("\uffff"))
    assert all(bytes(font(20).getmask(letter)) != missing for letter in letters)


def test_text_that_fits_stays():
    assert fitted("conv1", 200, 12) == "conv1"
    assert wrapped("conv1", 200, 12) == ["conv1"]


def test_long_text_ends_with_an_ellipsis_and_fits():
    short = fitted(NAME, 100, 12)
    assert short.endswith("…")
    assert text_width(short, 12) <= 100


def test_place_that_is_too_long_keeps_its_end():
    short = ending("records/train-00000-of-00001.tfrecord:54", 100, 12)
    assert short.startswith("…")
    assert short.endswith("tfrecord:54")
    assert text_width(short, 12) <= 100
    assert ending("a.png", 100, 12) == "a.png"


def test_names_break_after_slashes_and_lose_nothing():
    lines = wrapped(NAME, 200, 12)
    assert "".join(lines) == NAME
    assert all(line.endswith("/") for line in lines[:-1])
    assert max(text_width(line, 12) for line in lines) <= 200


def test_a_word_wider_than_the_line_is_cut():
    lines = wrapped("x" * 100, 60, 12)
    assert "".join(lines) == "x" * 100
    assert len(lines) > 5
