"""Figures to PNG: the same figure gives the same bytes, and a file appears only whole."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfinspect import files

DOTS_PER_INCH = 120


def png_bytes(figure: Figure) -> bytes:
    """Renders a figure, without the date and version that matplotlib would add."""
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()


def write_png(figure: Figure, path: str) -> None:
    """Writes a figure as a PNG file, in one step.

    Raises:
      DataError: the file cannot be written.
    """
    rendered = png_bytes(figure)
    with files.writing(path) as stream:
        stream.write(rendered)
