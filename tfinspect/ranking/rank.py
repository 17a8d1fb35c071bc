"""Examples of a data set ranked by what their gradients say."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.names import choices
from tfinspect.ranking import scores
from tfinspect.ranking.examples import Split, open_split

SCORES = ("loss", "norm", "disagreement")
DEFAULT_SCORE = "loss"
LAST_LAYER = "last layer"  # as `GradientProbe.ranking` calls its gradients
Advance = Callable[[str, int, int], None]


@dataclass(frozen=True)
class RankedExample:
    """One example.

    Attributes:
      rank: 1 for the one that pulls hardest.
      index: its number in the split.
      file: its file's name, or its shard and number there.
      label: as the data have it.
      prediction: the model's.
      loss: cross-entropy in nats.
      norm: of its gradient over all trainable variables.
      disagreement: 1 minus the cosine of its last layer's gradient and its class's mean, 0..2.
    """

    rank: int
    index: int
    file: str
    label: str
    prediction: str
    loss: float
    norm: float
    disagreement: float


@dataclass(frozen=True)
class Ranking:
    """All examples of a split, the hardest first.

    Attributes:
      by: the score that they are ranked by.
      examples: N.
      norms: float32 `[N]`, in the stored order.
      split: what was ranked.
      rules: variable name -> how its gradients were computed.
      probe: the `GradientProbe` of the model, with its traced graphs.
    """

    by: str
    examples: tuple[RankedExample, ...] = field(repr=False)
    norms: np.ndarray = field(repr=False)
    split: Split = field(repr=False)
    rules: dict[str, str] = field(repr=False)
    probe: Any = field(repr=False)


def rank_examples(
    source: str,
    *,
    model: Any = None,
    data: str | None = None,
    split: str = "train",
    limit: int | None = None,
    by: str = DEFAULT_SCORE,
    memory: str | None = None,
    progress: Advance | None = None,
) -> Ranking:
    """Ranks the examples of a split by how hard they pull at a model's weights.

    Args:
      source: what `load_model` takes; of a run the best weights on its validation split.
      model: the `Model` that was loaded from the source; None loads it.
      data: name or path; None takes those that a run was trained on.
      split: "train", "validation" or "test".
      limit: only the first so many examples.
      by: "loss", "norm" or "disagreement".
      memory: such as "2GB", as of `per_example_gradients`.
      progress: told (what, done, total).

    Raises:
      ConfigError: no such score, or no data.
      DataError: the data are missing or broken, or have labels that the model does not know.
      NetworkError: the model cannot be differentiated per example.
    """
    from tfinspect.model import load_model
    from tfinspect.probe.gradients import GradientProbe

    if by not in SCORES:
        raise ConfigError(f"no score '{by}'; {choices(by, SCORES)}; choose one of them.")
    if limit is not None and limit < 1:
        raise ConfigError(f"a limit of {limit} examples is none; give 1 or more.")
    model = load_model(source) if model is None else model
    chosen = open_split(source, data, split, limit, model)
    probe = GradientProbe(model, memory=memory)
    columns = _measure(probe, chosen, progress or (lambda *_: None))
    if split == "test":
        _stamp(source, model, chosen, columns)
    examples = _ranked(model, chosen, columns, by)
    return Ranking(by, examples, columns["norm"], chosen, probe.rules, probe)


def _stamp(source: str, model: Any, split: Split, columns: dict[str, np.ndarray]) -> None:
    """Notes in a run that its test split was read; what is no run has no place for it."""
    from tfinspect.training import read_stamp
    from tfinspect.training.run_directory import RunDirectory

    run = RunDirectory(source)
    if not os.path.isfile(run.file("config.json")):
        return
    read_stamp.stamp(
        run,
        data=split.manifest.fingerprint(),
        weights=os.path.relpath(str(model.checkpoint), source),
        accuracy=float(np.mean(columns["predicted"] == columns["label"])),
    )


def _measure(probe: Any, split: Split, progress: Advance) -> dict[str, np.ndarray]:
    parts: dict[str, list[np.ndarray]] = {}
    done = 0
    with scores.Disagreement() as disagreement:
        for images, labels in split.batches(probe.model, probe.model.preprocessing):
            for chunk in probe.ranking(images, labels):
                values = dict(chunk.values)
                own = labels[chunk.start : chunk.start + len(chunk.losses)]
                disagreement.add(values.pop(LAST_LAYER), own)
                for name, column in _columns(chunk, values, own).items():
                    parts.setdefault(name, []).append(column)
            done += len(labels)
            progress("gradients", done, split.examples)
        columns = {name: np.concatenate(values) for name, values in parts.items()}
        return columns | {"disagreement": disagreement.scores()}


def _columns(chunk: Any, norms: dict[str, np.ndarray], labels: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "loss": chunk.losses,
        "norm": np.sqrt(np.sum([np.square(norm) for norm in norms.values()], axis=0)),
        "predicted": _predicted(chunk.logits),
        "label": labels,
    }


def _predicted(logits: np.ndarray) -> np.ndarray:
    # One column is the probability of the second of two classes.
    return logits[:, 0] > 0.5 if logits.shape[1] == 1 else np.argmax(logits, axis=1)


def _ranked(
    model: Any, split: Split, columns: dict[str, np.ndarray], by: str
) -> tuple[RankedExample, ...]:
    names = [name for name, _ in zip(split.file_names(), columns["loss"], strict=False)]
    labels = split.manifest.label_names

    def shown(number: int) -> str:
        # A model may have more columns than the data have labels.
        known = labels if number < len(labels) else model.labels or ()
        return known[number] if number < len(known) else str(number)

    return tuple(
        RankedExample(
            rank,
            int(index),
            names[index],
            shown(int(columns["label"][index])),
            shown(int(columns["predicted"][index])),
            *(float(columns[score][index]) for score in SCORES),
        )
        for rank, index in enumerate(scores.descending(columns[by]), start=1)
    )
