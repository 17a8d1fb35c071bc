import numpy as np
import pytest

from tfinspect.activation_pictures.write import explanation_sheet, gap_note
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
