"""What stands for the labels that a picture's font cannot write."""

import csv
import os
from collections.abc import Sequence

from tfinspect import files

LEGEND_FILE = "picture-labels.csv"


def write_legend(directory: str, labels: Sequence[str]) -> str | None:
    """Writes which number stands for which label, where pictures have numbers.

    Args:
      directory: takes `picture-labels.csv`, with the columns `number` and `label` of all labels.
      labels: of the classes, in order.

    Returns:
      A sentence about it; None where the font has the letters of every label, and nothing was
      written.

    Raises:
      DataError: the file cannot be written.
    """
    from tfinspect.plots.legible import substitutes

    words = substitutes(labels)
    if words is None:
        return None
    with files.writing(os.path.join(directory, LEGEND_FILE), "w") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("number", "label"))
        writer.writerows((f"#{number}", label) for number, label in enumerate(labels))
    return f"{words}; {LEGEND_FILE} has all."
