"""What stands below the worst mistakes, and the class that everything is compared with."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from tfinspect.data.manifest import Manifest, SplitInfo
from tfinspect.transfer.outcome import majority, mistake, stages_note


def test_a_mistake_has_both_names_their_probabilities_and_its_file():
    labels = ("carré_bleu_foncé", "明")
    measured: Any = SimpleNamespace(labels=labels, targets=np.array([1, 0]))
    cell = mistake(
        measured, 1, np.log([0.03, 0.97]), np.zeros((8, 8, 3), np.uint8), "photos/明/img 6.png"
    )
    assert cell.names == ("carré_bleu_foncé", "#1")
    assert cell.facts == ("3% → 97%",)
    assert cell.place == "?/img 6.png"


def test_stages_that_the_curves_number_are_named():
    assert stages_note(["head", "grün"]) is None
    told = stages_note(["明", "grün", "るい"])
    assert "'stage 1' is '明', 'stage 3' is 'るい'" in told


def test_commonest_class_of_training_is_named_for_every_test_image():
    splits = {
        "train": SplitInfo(5, {"a": 3, "b": 2}, ()),
        "test": SplitInfo(4, {"a": 1, "b": 3}, ()),
    }
    manifest = Manifest("made", "raw", ("a", "b"), (8, 8, 3), splits, {}, 0)
    assert majority(manifest) == ("a", 0.25)
