"""Captions of the worst mistakes, and the class that everything is compared with."""

import pytest

from tfinspect.data.manifest import Manifest, SplitInfo
from tfinspect.transfer.outcome import caption, majority, stages_note


@pytest.mark.parametrize(
    ("label", "prediction", "shown"),
    [
        ("cat", "dog", "cat→dog"),
        ("hopper", "flower", "hopp…→flow…"),
        ("cat", "rhinoceros", "cat→rhinoc…"),
        ("rhinoceros", "hippopotamus", "rhin…→hipp…"),
    ],
)
def test_both_names_of_a_mistake_can_be_read(label, prediction, shown):
    assert caption(label, prediction) == shown


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
