"""Some images of every label on one sheet."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tfinspect.plots.contact_sheet import Cell, write_contact_sheet
from tfinspect.plots.legible import legible_label, substitutes


class Labelled(Protocol):
    """What is drawn; `tfinspect.data.record_report.LabelledImage` is one."""

    @property
    def label(self) -> str:
        """Its name; empty where it has none."""

    @property
    def number(self) -> int | None:
        """Of the label."""

    @property
    def image(self) -> np.ndarray:
        """Uint8 `[H, W, 3]`."""


def write_sample_sheet(path: str, images: Sequence[Labelled], title: str) -> str | None:
    """Writes a PNG file of images with their labels.

    Returns:
      Which numbers stand for which labels, in words; None where the font has all their letters.

    Raises:
      DataError: there is no image, or the file cannot be written.
    """
    cells = [Cell(one.image, (legible_label(one.label, one.number),)) for one in images]
    write_contact_sheet(path, cells, title=title)
    return substitutes({one.number: one.label for one in images if one.number is not None})
