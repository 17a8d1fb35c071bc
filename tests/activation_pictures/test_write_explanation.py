import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfinspect.activation_pictures.write import explanation_sheet, font_note, gap_note
from tfinspect.plots.activation_sheet import SampleImage
from tfinspect.plots.drawing import Text
from tfinspect.probe.attribution import Explanation

IMAGES = [SampleImage(f"{name}.png", np.full((8, 8, 3), 90, np.uint8)) for name in "ab"]


def explanation(gaps=None, **maps):
    return Explanation(
        classes=np.array([1, 1]),
        labels=("cat", "cat"),
        probabilities=np.float32([0.5, 0.5]),
        maps=maps,
        tensor="net/Relu:0",
        completeness_gap=None if gaps is None else np.float32(gaps),
    )


def test_a_map_of_zeros_says_that_nothing_speaks_for_the_class():
    heat = np.zeros((2, 4, 4), np.float32)
    heat[1, 2, 2] = 1
    sheet = explanation_sheet(explanation(grad_cam=heat), "grad_cam", IMAGES)
    told = [item.text for item in sheet.items if isinstance(item, Text)]
    assert told.count("nothing speaks for this class") == 1


def test_integrated_gradients_that_do_not_add_up_are_told():
    note = gap_note(explanation([0.4, 0.01]), 0.05)
    assert note is not None
    assert note.startswith("integrated gradients of 1 of 2 images do not add up")
    assert "off by up to 40%" in note


@pytest.mark.parametrize("gaps", [None, [0.05, 0.0]])
def test_nothing_is_told_where_they_add_up(gaps):
    assert gap_note(explanation(gaps), 0.06) is None


def test_a_class_that_the_font_cannot_write_is_its_number_and_told():
    heat = np.ones((2, 4, 4), np.float32)
    found = dataclasses.replace(explanation(grad_cam=heat), labels=("明", "明"))
    sheet = explanation_sheet(found, "grad_cam", IMAGES)
    told = [item.text for item in sheet.items if isinstance(item, Text)]
    assert told.count("class #1, probability 50.0%") == 2
    maps = SimpleNamespace(shape=(8, 8, 2), statistics=SimpleNamespace(channels=2))
    vector = SimpleNamespace(shape=(2,), statistics=SimpleNamespace(channels=2))
    unnamed: Any = SimpleNamespace(tensors=[maps])
    named: Any = SimpleNamespace(tensors=[maps, vector])
    assert "#1 is '明'." in (font_note(unnamed, found, ["a", "明"]) or "")
    assert "#1 is '明'." in (font_note(named, None, ["a", "明"]) or "")
    assert font_note(unnamed, None, ["a", "明"]) is None
    assert font_note(named, explanation(grad_cam=heat), ["a", "b"]) is None


def test_it_is_said_what_the_sum_of_integrated_gradients_should_be():
    found = explanation([0.004, 0.0], integrated_gradients=np.ones((2, 4, 4, 3), np.float32))
    sheet = explanation_sheet(found, "integrated_gradients", IMAGES)
    told = " ".join(item.text for item in sheet.items if isinstance(item, Text))
    assert "should add up to its change from the baseline to the image" in told
    assert "adds up to within 0.4%" in told
