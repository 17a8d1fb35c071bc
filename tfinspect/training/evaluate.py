"""A run's weights measured on one split."""

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.data.manifest import Manifest
from tfinspect.data.prepare import prepare
from tfinspect.errors import DataError, RunError
from tfinspect.model import Model, load_model
from tfinspect.training import metrics, read_stamp
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunInfo, open_run

BATCH_SIZE = 128


@dataclass(frozen=True)
class Evaluation(metrics.Metrics):
    """Measures of one run on one split, and what they were measured with.

    Attributes:
      split: "train", "validation" or "test".
      examples: N.
      labels: C names.
      weights: the checkpoint, relative to the run.
      test_reads: how many times this test split has been read for this run, with this time;
        None for the other splits.
      logits: float64 `[N, C]`, in the stored order.
      targets: int64 `[N]`, the true labels.
    """

    split: str
    examples: int
    labels: tuple[str, ...]
    weights: str
    test_reads: int | None
    logits: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)

    def summary(self) -> dict[str, Any]:
        """Returns the measures as one flat record of JSON values."""
        names = ("split", "examples", "accuracy", "top5", "loss", "auroc", "auroc_classes", "ece")
        return {name: getattr(self, name) for name in (*names, "weights")}

    def class_rows(self) -> list[dict[str, Any]]:
        """Returns one flat record per class."""
        return [
            {"label": label, **vars(one)}
            for label, one in zip(self.labels, self.classes, strict=True)
        ]


def evaluate(
    run_dir: str, *, data: str | None = None, split: str = "test", weights: str = "best"
) -> Evaluation:
    """Measures a run, without augmentation; a read of the test split is stamped in the run.

    Args:
      run_dir: the run directory.
      data: name or path of other data with the same labels; None takes the run's own.
      split: "train", "validation" or "test".
      weights: "best" on the validation split, or "latest".

    Raises:
      RunError: there is no such run, its data have changed, it has no weights, or they give no
        finite logits.
      DataError: the data are missing, or have other labels.
      ConfigError: no such choice of weights.
    """
    info = open_run(run_dir)
    directory, manifest = prepare(data) if data is not None else data_of(info)
    _require_same_labels(info, directory, manifest)
    model = load_model(run_dir, prefer=weights)
    logits, labels = logits_of(model, directory, manifest, split)
    measured = metrics.measure(logits, labels)
    prefix = os.path.relpath(str(model.checkpoint), run_dir)
    count = None
    if split == "test":
        count = read_stamp.stamp(
            info.directory,
            data=manifest.fingerprint(),
            weights=prefix,
            accuracy=measured.accuracy,
        )
    return Evaluation(
        **vars(measured),
        split=split,
        examples=len(labels),
        labels=info.labels,
        weights=prefix,
        test_reads=count,
        logits=logits,
        targets=labels,
    )


def _require_same_labels(info: RunInfo, directory: str, manifest: Manifest) -> None:
    if manifest.label_names != info.labels:
        raise DataError(
            f"'{directory}' has the labels {_shown(manifest.label_names)} and the run "
            f"'{info.directory.path}' was trained for {_shown(info.labels)}; give data with the "
            "run's labels, in their order."
        )


def _shown(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(repr(label) for label in labels[:5]) + more


def logits_of(
    model: Model, directory: str, manifest: Manifest, split: str
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a model's logits, float64 `[N, C]`, and the labels `[N]` of a split.

    Raises:
      RunError: the logits are not finite.
      DataError: the records are missing or broken.
    """
    from tfinspect.data import pipeline
    from tfinspect.data.load import reading

    assert model.spec is not None
    batches = pipeline.Batches(
        directory, manifest, split, BATCH_SIZE, model.spec.image_shape, model.spec.preprocessing
    )
    with reading(directory):
        pairs = [
            (model.logits(x, BATCH_SIZE), y.numpy())
            for x, y in pipeline.evaluation_dataset(batches)
        ]
    logits = np.concatenate([pair[0] for pair in pairs]).astype(np.float64)
    if not np.isfinite(logits).all():
        raise RunError(
            f"the weights '{model.checkpoint}' give logits that are not finite; "
            "the training diverged, train again with a lower learning rate."
        )
    return logits, np.concatenate([pair[1] for pair in pairs])


def draw_confusion(run_dir: str, result: Evaluation, copy: str | None = None) -> str:
    """Draws the confusion matrix into a run directory as `confusion-SPLIT.png`.

    That of other weights than the best is `confusion-SPLIT-latest.png`.

    Args:
      run_dir: the run directory.
      result: of `evaluate`.
      copy: a second path to write the picture to; None writes none.

    Returns:
      The path in the run directory.

    Raises:
      DataError: a file cannot be written.
    """
    from tfinspect.plots.confusion import write_confusion

    title = f"{result.split}: accuracy {result.accuracy:.2%} of {result.examples:,}"
    suffix = "" if result.weights.startswith("best") else "-latest"
    path = os.path.join(run_dir, f"confusion-{result.split}{suffix}.png")
    for target in (path, copy):
        if target is not None:
            write_confusion(result.confusion, result.labels, target, title)
    return path
