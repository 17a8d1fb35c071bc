import unicodedata

import pytest

from tfinspect.display_width import padded, pieces, width_of
from tfinspect.text import as_table

# As a terminal of a fixed pitch shows them.
WIDTHS = {
    "": 0,
    "cat": 3,
    "猫": 2,
    "ねこ": 4,
    "고양이": 6,
    unicodedata.normalize("NFD", "고양이"): 6,
    "\ud7b0\ud7fb": 0,
    "ﾈｺ": 2,
    "Ｃ": 2,
    "käse": 4,
    "ka\u0308se": 4,
}


@pytest.mark.parametrize(("text", "width"), WIDTHS.items())
def test_width_is_that_of_a_terminal(text, width):
    assert width_of(text) == width
    assert padded(text, 8, right=False) == text + " " * (8 - width)
    assert padded(text, 8, right=True) == " " * (8 - width) + text


@pytest.mark.parametrize("size", [1, 2, 3, 5, 80])
@pytest.mark.parametrize("text", ["", "plain text", "猫とねこ", "a猫b", "e\u0301e\u0301e\u0301"])
def test_pieces_are_the_text_and_fit(text, size):
    found = list(pieces(text, size))
    assert "".join(found) == text
    assert len(found) >= 1
    assert all(width_of(piece) <= size or len(piece) == 1 for piece in found)
    assert not any(piece.startswith("\u0301") for piece in found)


@pytest.mark.parametrize("width", [None, 24])
def test_columns_of_a_table_stand_below_each_other(width):
    rows = [
        {"label": label, "images": 7, "of": "data"} for label in ("cat", "猫とねこと子猫", "고양이")
    ]
    header, _, *lines = as_table(rows, width)
    place = header.index("images") + len("images")
    told = [line for line in lines if "7" in line]
    assert len(told) == len(rows)
    assert {width_of(line[: line.index("7") + 1]) for line in told} == {place}
    assert width is None or all(width_of(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("resnet/conv1/weights", 13, ["resnet/conv1/", "weights"]),
        ("resnet/conv1/weights", 12, ["resnet/", "conv1/", "weights"]),
        ("a/moving_variance", 8, ["a/", "moving_v", "ariance"]),
        ("no slash at all", 8, ["no ", "slash ", "at all"]),
        ("猫/ねこ", 4, ["猫/", "ねこ"]),
    ],
)
def test_pieces_end_behind_slashes_and_spaces(text, size, expected):
    assert list(pieces(text, size)) == expected
