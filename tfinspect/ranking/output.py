"""A ranking as files: tables, a histogram and a sheet of the hardest examples."""

import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfinspect import files, text
from tfinspect.ranking.rank import Advance, RankedExample, Ranking

if TYPE_CHECKING:
    from tfinspect.plots.contact_sheet import Cell

SHEET_EXAMPLES = 64


class _Pixels:
    """Preprocessing that leaves 0..255 as they are."""

    def apply(self, images: Any) -> Any:
        return images


def write_csv(ranking: Ranking, path: str) -> None:
    """Writes all examples, the hardest first, as CSV.

    Raises:
      DataError: the file cannot be written.
    """
    with files.writing(path, "w") as stream:
        for line in text.as_csv([vars(one) for one in ranking.examples]):
            stream.write(line + "\n")


def write_arrays(ranking: Ranking, path: str, progress: Advance = lambda *_: None) -> str:
    """Writes the gradients of all examples, in the stored order, batch by batch.

    Args:
      ranking: from `rank_examples`.
      path: a directory for one `.npy` file `[N, *shape]` per variable, or a `.h5` file.
      progress: told (what, done, total).

    Returns:
      The path.

    Raises:
      DataError: the place is occupied, or cannot be written.
      ConfigError: the place is remote, or cannot hold the names of the variables.
    """
    from tfinspect.probe.gradients import storage

    probe, split = ranking.probe, ranking.split
    done, total = 0, len(ranking.examples)
    with storage.opened(path, storage.shapes(probe.chosen, total)) as store:
        for images, labels in split.batches(probe.model, probe.model.preprocessing):
            for chunk in probe.gradients(images, labels):
                store.put(done + chunk.start, chunk.values)
            done += len(labels)
            progress("arrays", done, total)
    return path


def write_pictures(ranking: Ranking, directory: str) -> list[str]:
    """Writes `ranking.csv`, `norms.png` and `hardest.png` into a directory, and returns the paths.

    Raises:
      DataError: a file cannot be written.
    """
    from tfinspect.plots.norms import write_norms

    files.make_directory(directory)
    table, histogram, sheet = (
        os.path.join(directory, name) for name in ("ranking.csv", "norms.png", "hardest.png")
    )
    write_csv(ranking, table)
    write_norms(ranking.norms, histogram, title=f"{ranking.split.name}: gradient norms")
    with files.writing(sheet) as stream:
        files.write(stream, contact_sheet(ranking))
    return [table, histogram, sheet]


def contact_sheet(ranking: Ranking) -> bytes:
    """Draws the hardest examples with label, prediction, score and file; returns a PNG's bytes.

    Args:
      ranking: from `rank_examples`.
    """
    from tfinspect.plots.contact_sheet import draw_contact_sheet

    hardest = ranking.examples[:SHEET_EXAMPLES]
    pixels = _pixels(ranking, [one.index for one in hardest])
    sheet = draw_contact_sheet(
        _cells(ranking, hardest, pixels),
        title=f"the {len(hardest)} hardest of {len(ranking.examples):,} by {ranking.by}",
        subtitle=f"rank: label → prediction, {ranking.by}, file; in a red frame where they differ",
        columns=8,
    )
    stream = io.BytesIO()
    sheet.save(stream, format="PNG")
    return stream.getvalue()


def font_note(ranking: Ranking) -> str | None:
    """Words which numbers stand for which labels on the sheet; None where none do."""
    from tfinspect.plots.legible import substitutes

    hardest = ranking.examples[:SHEET_EXAMPLES]
    drawn = {name for one in hardest for name in (one.label, one.prediction)}
    labels = enumerate(_labels(ranking))
    return substitutes({number: label for number, label in labels if label in drawn})


def _labels(ranking: Ranking) -> list[str]:
    labels = list(ranking.split.manifest.label_names)
    # A model may have more columns than the data have labels.
    return labels + list((ranking.probe.model.labels or ())[len(labels) :])


def _cells(
    ranking: Ranking, hardest: Sequence[RankedExample], pixels: dict[int, np.ndarray]
) -> list["Cell"]:
    from tfinspect.data.example_names import short_name
    from tfinspect.plots.contact_sheet import Cell
    from tfinspect.plots.legible import legible, legible_text

    labels = _labels(ranking)
    shown = dict(zip(labels, legible(labels), strict=True))
    return [
        Cell(
            pixels[one.index],
            names=tuple(shown.get(name, name) for name in (one.label, one.prediction)),
            lead=f"{one.rank}: ",
            facts=(f"{ranking.by} {getattr(one, ranking.by):.3g}",),
            place=legible_text(short_name(one.file)),
            marked=one.label != one.prediction,
        )
        for one in hardest
    ]


def _pixels(ranking: Ranking, wanted: list[int]) -> dict[int, np.ndarray]:
    found, start = {}, 0
    missing = set(wanted)
    for images, _ in ranking.split.batches(ranking.probe.model, _Pixels()):
        inside = {i for i in missing if start <= i < start + len(images)}
        found.update({i: np.asarray(images[i - start], np.uint8) for i in inside})
        missing -= inside
        start += len(images)
        if not missing:
            break
    return found
