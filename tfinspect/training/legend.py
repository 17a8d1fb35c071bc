"""What stands for the labels that a picture's font cannot write."""

import csv
import os
from collections.abc import Sequence

from tfinspect import files

LEGEND_FILE = "picture-labels.csv"
_MOST_NAMED = 5


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
    from tfinspect.plots.legible import legible

    numbered = [
        f"{shown} is '{label}'"
        for shown, label in zip(legible(labels), labels, strict=True)
        if shown != label
    ]
    if not numbered:
        return None
    with files.writing(os.path.join(directory, LEGEND_FILE), "w") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("number", "label"))
        writer.writerows((f"#{number}", label) for number, label in enumerate(labels))
    what = "1 label" if len(numbered) == 1 else f"{len(numbered):,} labels"
    more = f", and so on ({LEGEND_FILE} has all)" if len(numbered) > _MOST_NAMED else ""
    return (
        f"the pictures' font lacks letters of {what}, drawn as numbers: "
        f"{', '.join(numbered[:_MOST_NAMED])}{more or f'; {LEGEND_FILE} says so, too'}."
    )
