import numpy as np
import pytest

from tfinspect.plots.attribution_sheet import SIDE, Attributed, attribution_sheet
from tfinspect.plots.drawing import Pixels, Text
from tfinspect.plots.raster import picture_png

IMAGE = np.full((8, 8, 3), 90, np.uint8)


def card(attributions, **more):
    return Attributed("class cat, probability 90.0%", "cat.png", IMAGE, attributions, **more)


def test_a_card_shows_image_attributions_and_both():
    sheet = attribution_sheet("Grad-CAM", "which positions", [card(np.eye(4))])
    shapes = [item.values.shape for item in sheet.items if isinstance(item, Pixels)]
    assert shapes.count((SIDE, SIDE, 3)) == 3
    told = [item.text for item in sheet.items if isinstance(item, Text)]
    for words in ("Grad-CAM", "which positions", "class cat, probability 90.0%", "cat.png"):
        assert words in told


def test_channels_are_added_up():
    attributions = np.zeros((8, 8, 3))
    attributions[:4], attributions[4:] = [1, 2, -1], [-1, 0, -1]
    sheet = attribution_sheet("IG", "", [card(attributions)])
    told = [item.text for item in sheet.items if isinstance(item, Text)]
    assert {"-2", "2"} <= set(told)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_attributions_of_nothing_are_drawn(value):
    sheet = attribution_sheet("IG", "", [card(np.full((8, 8, 3), value), note="off")])
    assert picture_png(sheet).startswith(b"\x89PNG")


def test_more_cards_make_a_longer_page():
    heights = [attribution_sheet("", "", [card(np.eye(4))] * n).height for n in (1, 2, 3, 5)]
    assert heights[0] == heights[1] < heights[2] < heights[3]


def test_panels_have_headings():
    told = [
        item.text
        for item in attribution_sheet("", "", [card(np.eye(4))]).items
        if isinstance(item, Text)
    ]
    assert {"image", "attributions", "attributions over the image"} <= set(told)


def test_signs_are_kept_over_the_image():
    heat = np.zeros((8, 8))
    heat[:, :2], heat[:, 6:] = 1, -1
    sheet = attribution_sheet("IG", "", [card(heat)])
    over = [item.values for item in sheet.items if isinstance(item, Pixels)][2].astype(int)
    red, blue = over[SIDE // 2, 8], over[SIDE // 2, -8]
    assert red[0] > red[2] + 50
    assert blue[2] > blue[0] + 50
    assert np.ptp(over[SIDE // 2, SIDE // 2]) == 0


def test_a_long_subtitle_is_not_cut():
    sheet = attribution_sheet("IG", "word " * 60, [card(np.eye(4))])
    told = [item.text for item in sheet.items if isinstance(item, Text)]
    assert " ".join(told).count("word") == 60
    panel = next(item for item in sheet.items if isinstance(item, Pixels))
    lines = [item for item in sheet.items if isinstance(item, Text) and "word" in item.text]
    assert len(lines) > 1
    assert panel.top > max(line.baseline for line in lines)
    assert panel.top + SIDE < sheet.height
