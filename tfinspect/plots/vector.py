"""A picture as SVG: texts are texts, pixels an embedded PNG that stays sharp when enlarged."""

import base64
from xml.sax.saxutils import escape

from tfinspect.plots.drawing import Box, Item, Picture, Text
from tfinspect.plots.grid import PAPER, Color
from tfinspect.plots.raster import pixels_png

_FONTS = "Helvetica, Arial, sans-serif"


def picture_svg(picture: Picture) -> str:
    """Renders a picture as a whole SVG document."""
    size = f'width="{picture.width}" height="{picture.height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {picture.width} {picture.height}" font-family="{_FONTS}">',
        f'<rect {size} fill="{_hex(PAPER)}"/>',
        *(_element(item) for item in picture.items),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _element(item: Item) -> str:
    if isinstance(item, Text):
        return (
            f'<text x="{item.left}" y="{item.baseline}" font-size="{item.size}" '
            f'fill="{_hex(item.color)}" text-anchor="{item.anchor}">{_escaped(item.text)}</text>'
        )
    if isinstance(item, Box):
        return _rectangle(item)
    height, width = item.values.shape[:2]
    data = base64.b64encode(pixels_png(item.values)).decode()
    return (
        f'<image x="{item.left}" y="{item.top}" width="{width}" height="{height}" '
        f'style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
    )


def _rectangle(box: Box) -> str:
    # SVG draws a line on both sides of the edge.
    inset = box.line_width / 2 if box.line else 0
    return (
        f'<rect x="{box.left + inset:g}" y="{box.top + inset:g}" '
        f'width="{box.width - 2 * inset:g}" height="{box.height - 2 * inset:g}" '
        f'fill="{_hex(box.fill)}" stroke="{_hex(box.line)}" stroke-width="{box.line_width}"/>'
    )


def _hex(color: Color | None) -> str:
    return "none" if color is None else "#{:02x}{:02x}{:02x}".format(*color)


def _escaped(text: str) -> str:
    # XML has no way to write control characters.
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in text))
