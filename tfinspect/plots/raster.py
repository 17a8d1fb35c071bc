"""A picture as PNG: the same picture gives the same bytes."""

import io
from typing import Any

import numpy as np

from tfinspect.plots.drawing import Box, Item, Picture, Text
from tfinspect.plots.grid import PAPER
from tfinspect.plots.lettering import font

_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def picture_png(picture: Picture) -> bytes:
    """Renders a picture as PNG."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (picture.width, picture.height), PAPER)
    draw = ImageDraw.Draw(image)
    for item in picture.items:
        _draw(image, draw, item)
    return _encoded(image)


def _draw(image: Any, draw: Any, item: Item) -> None:
    if isinstance(item, Text):
        place = (item.left, item.baseline)
        draw.text(
            place, item.text, fill=item.color, font=font(item.size), anchor=_ANCHORS[item.anchor]
        )
    elif isinstance(item, Box):
        corners = (item.left, item.top, item.left + item.width - 1, item.top + item.height - 1)
        draw.rectangle(corners, fill=item.fill, outline=item.line, width=item.line_width)
    else:
        image.paste(_image(item.values), (item.left, item.top))


def pixels_png(pixels: np.ndarray) -> bytes:
    """Renders uint8 `[rows, cols, 3]` as PNG."""
    return _encoded(_image(pixels))


def _image(pixels: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels))


def _encoded(image: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()
