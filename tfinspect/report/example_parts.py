"""The parts of the page that examples tell: activations, and the examples that pull hardest."""

from itertools import islice
from typing import Any

import numpy as np

from tfinspect.errors import DataError
from tfinspect.model import Model
from tfinspect.ranking import rank_examples
from tfinspect.ranking.examples import Split, open_split
from tfinspect.ranking.output import SHEET_EXAMPLES, contact_sheet, font_note
from tfinspect.report.activation_part import activation_part
from tfinspect.report.page import picture, sentence

_SPLIT = "train"
_MOST_LOOKED_AT = 64
_MOST_LISTED = 10
_COLUMNS = ("rank", "file", "label", "prediction", "loss", "norm", "disagreement")


def example_parts(model: Model, source: str, data: str, limit: int) -> list[dict[str, Any]]:
    """Returns activations and suspicious examples as `page.render` takes them.

    Args:
      model: loaded from `source`.
      source: what `load_model` takes.
      data: name or path of labelled examples.
      limit: how many of the training split are ranked.

    Raises:
      DataError: the data are missing or broken, or have labels that the model does not know.
      NetworkError: the model cannot be differentiated per example.
    """
    split = open_split(source, data, _SPLIT, limit, model)
    images, names = _first(model, split)
    return [activation_part(model, images, names), _hardest(model, source, data, limit)]


def _first(model: Model, split: Split) -> tuple[np.ndarray, list[str]]:
    first = next(iter(split.batches(model, model.preprocessing)), None)
    if first is None:
        raise DataError(f"the split '{split.name}' of '{split.directory}' is empty; give another.")
    images = first[0][:_MOST_LOOKED_AT]
    return images, list(islice(split.file_names(), len(images)))


def _hardest(model: Model, source: str, data: str, limit: int) -> dict[str, Any]:
    ranking = rank_examples(source, model=model, data=data, split=_SPLIT, limit=limit)
    sheet, lacking = contact_sheet(ranking), font_note(ranking)
    drawn = ranking.examples[:SHEET_EXAMPLES]
    wrong = sum(one.label != one.prediction for one in drawn)
    rows = [vars(one) for one in ranking.examples[:_MOST_LISTED]]
    return {
        "anchor": "examples",
        "title": "Suspicious examples",
        "text": f"The examples of the training split that pull hardest, ranked by {ranking.by} "
        f"among {len(ranking.examples):,}. {_told(wrong, len(drawn))}"
        + (f" {sentence(lacking)}" if lacking else ""),
        "pictures": [{"source": picture(sheet), "caption": "The hardest examples"}],
        "rows": [{name: row[name] for name in _COLUMNS} for row in rows],
    }


def _told(wrong: int, drawn: int) -> str:
    """Words how many of the drawn examples the model takes for something else."""
    if not wrong:
        return f"The model predicts all {drawn} in the picture as they are labelled."
    return (
        f"The model predicts {wrong} of the {drawn} in the picture as something else than they are "
        "labelled; these have a red frame, and wrong labels would be among them."
    )
