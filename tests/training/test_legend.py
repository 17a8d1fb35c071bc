"""Which number stands for a label that the pictures' font cannot write."""

import csv

from tfinspect.plots.legible import legible
from tfinspect.training.legend import LEGEND_FILE, write_legend

LABELS = ("dark", "grün", "明るい", "暗い")


def test_labels_of_the_font_need_no_legend(tmp_path):
    assert write_legend(str(tmp_path), LABELS[:2]) is None
    assert not list(tmp_path.iterdir())


def test_legend_says_what_the_numbers_of_the_pictures_are(tmp_path):
    said = write_legend(str(tmp_path), LABELS)
    assert "letters of 2 labels" in said
    assert "#2 is '明るい', #3 is '暗い'" in said
    with open(tmp_path / LEGEND_FILE, encoding="utf-8", newline="") as stream:
        rows = {row["number"]: row["label"] for row in csv.DictReader(stream)}
    assert rows == {f"#{number}": label for number, label in enumerate(LABELS)}
    for shown, label in zip(legible(LABELS), LABELS, strict=True):
        assert rows.get(shown, shown) == label


def test_many_labels_are_in_the_file_alone(tmp_path):
    labels = [f"明{number}" for number in range(9)]
    said = write_legend(str(tmp_path), labels)
    assert "#4 is" in said
    assert "#5 is" not in said
    assert f"{LEGEND_FILE} has all" in said
