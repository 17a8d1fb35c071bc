"""What speaks for a class: each image, the attributions, and both together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfinspect.plots.colors import ColorScale, color_bar, overlaid, overlaid_signs, scale_of
from tfinspect.plots.drawing import Box, Item, Picture, Pixels, Text, shelved
from tfinspect.plots.lettering import INK, PALE_INK, ending, fitted, wrapped
from tfinspect.plots.scaling import scaled_to, stretched

SIDE = 192
_GAP = 12
_MARGIN = 24
_CARD_GAP = 28
_PAGE_WIDTH = 1300
_SMALL, _NORMAL, _LARGE = 12, 14, 20
_LINE = 19
_HEADINGS = ("image", "attributions", "attributions over the image")
_TOP = 42  # of a card's panels
_MAT = (240, 241, 243)


@dataclass(frozen=True, eq=False)
class Attributed:
    """One image with its attributions.

    Attributes:
      title: of the class, with its probability.
      caption: of the image.
      pixels: uint8 `[H, W, 3]`, as the model sees it.
      attributions: `[h, w]`, or `[H, W, C]`, whose channels are added up.
      note: more, in words.
    """

    title: str
    caption: str
    pixels: np.ndarray
    attributions: np.ndarray
    note: str = ""


def attribution_sheet(title: str, subtitle: str, images: Sequence[Attributed]) -> Picture:
    """Draws one method's attributions for some images, each on a scale of its own."""
    page = shelved([_card(image) for image in images], _PAGE_WIDTH, _CARD_GAP)
    width = max(page.width, 3 * SIDE + 2 * _GAP)
    lines = wrapped(subtitle, width, _NORMAL)
    top = _MARGIN + 47 + _LINE * max(len(lines), 1)
    items: list[Item] = [
        Text(_MARGIN, _MARGIN + 18, fitted(title, width, _LARGE), _LARGE),
        *(
            Text(_MARGIN, _MARGIN + 42 + _LINE * number, line, _NORMAL, PALE_INK)
            for number, line in enumerate(lines)
        ),
        *page.moved(_MARGIN, top),
    ]
    return Picture(width + 2 * _MARGIN, page.height + top + _MARGIN, tuple(items))


def _card(image: Attributed) -> Picture:
    flat = image.attributions
    flat = flat if flat.ndim == 2 else flat.sum(axis=2)
    scale = scale_of(flat)
    shown = scaled_to(image.pixels, SIDE)
    height, width = shown.shape[:2]
    heat = stretched(flat, height, width)
    drawn = np.rint(255 * np.nan_to_num(scale.rgb(heat), nan=0.5)).astype(np.uint8)
    step = SIDE + _GAP
    items: list[Item] = [Text(0, 14, fitted(image.title, 3 * SIDE, _NORMAL), _NORMAL, INK)]
    for place, pixels in enumerate((shown, drawn, _over(shown, heat))):
        left, top = place * step + (SIDE - width) // 2, _TOP + (SIDE - height) // 2
        items.append(Text(place * step, _TOP - 7, _HEADINGS[place], _SMALL, PALE_INK))
        items.append(Box(place * step, _TOP, SIDE, SIDE, fill=_MAT))
        items.append(Pixels(left, top, pixels))
    below = _TOP + SIDE + 18
    items.append(Text(0, below, ending(image.caption, SIDE, _SMALL), _SMALL, PALE_INK))
    items += _legend(scale, step, below - 10)
    note = fitted(image.note, SIDE, _SMALL)
    items.append(Text(2 * step, below, note, _SMALL, PALE_INK))
    return Picture(3 * SIDE + 2 * _GAP, below + 6, tuple(items))


def _over(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lays attributions over the image, with their signs where they have both."""
    largest = float(np.nan_to_num(abs(heat)).max()) or 1.0
    raised = _smoothed(heat.clip(min=0), largest)
    if not np.nan_to_num(heat).min() < 0:
        return overlaid(image, raised)
    return overlaid_signs(image, raised - _smoothed(-heat.clip(max=0), largest))


def _legend(scale: ColorScale, left: int, top: int) -> list[Item]:
    return [
        Text(left, top + 10, f"{scale.low:.3g}", _SMALL, PALE_INK),
        Pixels(left + 62, top, color_bar(scale, SIDE - 124, 12)),
        Text(left + SIDE, top + 10, f"{scale.high:.3g}", _SMALL, PALE_INK, "end"),
    ]


def _smoothed(heat: np.ndarray, largest: float) -> np.ndarray:
    """Blurs single pixels of 0 to `largest`, which would not be seen over an image."""
    from PIL import Image, ImageFilter

    grey = Image.fromarray(np.rint(255 * np.nan_to_num(heat) / largest).astype(np.uint8))
    return np.asarray(grey.filter(ImageFilter.GaussianBlur(SIDE / 64)), np.float32)
