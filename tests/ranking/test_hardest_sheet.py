"""What stands below the images of the hardest examples."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfinspect.plots import contact_sheet as sheets
from tfinspect.ranking import output
from tfinspect.ranking.rank import RankedExample

LABELS = ("carré_bleu_foncé", "写真", "Kreis")


def ranking(*examples, by="loss") -> Any:
    pixels = np.zeros((len(examples), 8, 8, 3), np.uint8)
    split = SimpleNamespace(
        name="train",
        manifest=SimpleNamespace(label_names=LABELS[:2]),
        batches=lambda model, preprocessing: [(pixels, np.zeros(len(examples)))],
    )
    probe = SimpleNamespace(model=SimpleNamespace(labels=LABELS))
    return SimpleNamespace(examples=examples, by=by, split=split, probe=probe)


def example(place, label, prediction, file="photos/a/img 6.png"):
    return RankedExample(place + 1, place, file, label, prediction, 2.5, 40.0, 0.125)


@pytest.fixture
def cells(monkeypatch):
    def drawn(ranked):
        seen = []
        monkeypatch.setattr(
            sheets,
            "draw_contact_sheet",
            lambda cells, **more: seen.append(cells) or SimpleNamespace(save=lambda *_, **__: None),
        )
        output.contact_sheet(ranked)
        return seen[0]

    return drawn


def test_wrong_predictions_are_marked(cells):
    right, wrong = cells(ranking(example(0, "Kreis", "Kreis"), example(1, "Kreis", LABELS[0])))
    assert (right.marked, wrong.marked) == (False, True)
    assert wrong.names == ("Kreis", LABELS[0])
    assert wrong.lead == "2: "


@pytest.mark.parametrize(
    ("by", "told"),
    [("loss", "loss 2.5"), ("norm", "norm 40"), ("disagreement", "disagreement 0.125")],
)
def test_the_score_that_ranks_is_told(cells, by, told):
    (cell,) = cells(ranking(example(0, "Kreis", "Kreis"), by=by))
    assert cell.facts == (told,)


def test_files_of_the_same_name_keep_their_folder(cells):
    files = (
        "/data/photos/a/img 6.png",
        "/data/photos/写真/img 6.png",
        "train-00000-of-00002.tfrecord:7",
    )
    found = cells(ranking(*(example(n, "Kreis", "Kreis", file) for n, file in enumerate(files))))
    assert [cell.place for cell in found] == ["a/img 6.png", "?/img 6.png", "train-0:7"]


def test_labels_that_the_font_cannot_write_are_numbers_that_the_note_explains(cells):
    ranked = ranking(example(0, "写真", "Kreis"))
    assert cells(ranked)[0].names == ("#1", "Kreis")
    assert "#1 is '写真'" in (output.font_note(ranked) or "")
    assert output.font_note(ranking(example(0, "Kreis", "Kreis"))) is None
