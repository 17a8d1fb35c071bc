import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from tfinspect.errors import ConfigError
from tfinspect.plots.drawing import Box, Picture, Pixels, Text, shelved
from tfinspect.plots.raster import picture_png
from tfinspect.plots.vector import picture_svg

RED = np.full((2, 3, 3), (255, 0, 0), np.uint8)


def drawn(picture):
    with Image.open(io.BytesIO(picture_png(picture))) as image:
        return np.asarray(image)


def elements(picture, name):
    root = ElementTree.fromstring(picture_svg(picture))
    return [child for child in root if child.tag.endswith(f"}}{name}")]


def test_pixels_and_boxes_are_where_they_are_put():
    items = (Box(0, 0, 4, 4, line=(0, 0, 9)), Pixels(5, 1, RED))
    found = drawn(Picture(9, 4, items))
    assert (found[1:3, 5:8] == (255, 0, 0)).all()
    assert (found[0, :4] == (0, 0, 9)).all()
    assert (found[1, 1] == 255).all()


def test_later_items_are_above_earlier_ones():
    items = (Pixels(0, 0, RED), Box(0, 0, 1, 1, fill=(0, 0, 0)))
    assert drawn(Picture(3, 2, items))[0, 0].tolist() == [0, 0, 0]


def test_text_ends_where_its_anchor_says():
    found = drawn(Picture(100, 20, (Text(90, 15, "weights", 12, anchor="end"),)))
    columns = np.nonzero((found < 200).any(axis=(0, 2)))[0]
    assert columns.max() < 90 < columns.max() + 6


def test_svg_keeps_text_as_text_and_escapes_it():
    name = 'scope<a>&"b"\x00/weights'
    (text,) = elements(Picture(9, 9, (Text(1, 2, name, 12),)), "text")
    assert text.text == 'scope<a>&"b"\ufffd/weights'


def test_svg_holds_pixels_that_stay_sharp():
    (image,) = elements(Picture(9, 9, (Pixels(1, 2, RED),)), "image")
    assert (image.get("width"), image.get("height")) == ("3", "2")
    assert image.get("href").startswith("data:image/png;base64,")
    assert "pixelated" in image.get("style")


def test_svg_line_lies_inside_its_box():
    _, box = elements(Picture(9, 9, (Box(2, 3, 6, 4, line=(1, 2, 3), line_width=2),)), "rect")
    assert [box.get(name) for name in ("x", "y", "width", "height")] == ["3", "4", "4", "2"]
    assert (box.get("fill"), box.get("stroke")) == ("none", "#010203")


def test_moved_items_keep_their_distances():
    items = Picture(9, 9, (Text(1, 2, "a", 12), Pixels(3, 4, RED))).moved(10, 20)
    assert (items[0].left, items[0].baseline, items[1].left, items[1].top) == (11, 22, 13, 24)


def test_shelves_begin_anew_where_the_width_ends():
    pictures = [Picture(40, 10), Picture(50, 30), Picture(60, 5)]
    page = shelved([Picture(p.width, p.height, (Box(0, 0, 1, 1),)) for p in pictures], 100, 10)
    assert [(item.left, item.top) for item in page.items] == [(0, 0), (50, 0), (0, 40)]
    assert (page.width, page.height) == (100, 45)


def test_page_that_no_viewer_opens_is_refused():
    with pytest.raises(
        ConfigError, match=r"one page of 2 pictures would have .* pixels; write one"
    ):
        shelved([Picture(20_000, 4_000)] * 2, 1000, 0)
