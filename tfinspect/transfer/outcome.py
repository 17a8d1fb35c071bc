"""What a fine-tuning's test accuracy is worth, and pictures of what it did."""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfinspect.artifacts import Artifact
from tfinspect.data.manifest import Manifest
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.training import run as runs
from tfinspect.training.metrics import log_softmax
from tfinspect.transfer.frozen import FrozenProof
from tfinspect.transfer.random_features import random_feature_accuracy
from tfinspect.transfer.stage_progress import first_epochs
from tfinspect.transfer.tuning import Tuning

if TYPE_CHECKING:
    from tfinspect.plots.contact_sheet import Cell
    from tfinspect.training.evaluate import Evaluation

MISTAKES = 40
MISTAKES_FILE, FILTERS_FILE = "mistakes.png", "filters.png"


@dataclass(frozen=True)
class Outcome:
    """What the test accuracy (0..1) is compared with.

    Attributes:
      majority_class: the commonest label of the training images.
      majority_accuracy: of naming it for every test image.
      random_feature_accuracy: of the same head on the features of random weights; None where that
        was not measured.
      mistakes: test images with the wrong label.
      pictures: files in the run directory.
    """

    majority_class: str
    majority_accuracy: float
    random_feature_accuracy: float | None
    mistakes: int
    pictures: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the outcome as JSON values."""
        return asdict(self) | {"pictures": list(self.pictures)}


def conclude(
    tuning: Tuning, artifact: Artifact | None, proofs: Sequence[FrozenProof]
) -> tuple[runs.TrainResult, Outcome]:
    """Exports the best weights, reads the test split once, compares, draws; the run is finished.

    Args:
      tuning: the run, with all stages done.
      artifact: the checkpoint, for the filters before; None draws no comparison.
      proofs: of the stages.

    Raises:
      RunError: something cannot be written.
      DataError: the records cannot be read.
    """
    from tfinspect.training.evaluate import draw_confusion
    from tfinspect.training.legend import write_legend

    progress = tuning.progress
    stages = first_epochs(tuning.stages, progress.records, tuning.config.patience)
    training, measured = runs.export_and_measure(tuning.run, progress, tuning.observer, stages)
    pictures = [
        tuning.run.file("curves.png"),
        draw_confusion(tuning.run.path, measured),
        *_draw_mistakes(tuning, measured),
        *_draw_filters(tuning, artifact),
    ]
    legend = write_legend(tuning.run.path, measured.labels)
    for note in (legend, stages_note([name for _, name in stages])):
        if note is not None:
            tuning.observer.on_phase(note)
    label, share = majority(tuning.data[1])
    outcome = Outcome(
        majority_class=label,
        majority_accuracy=share,
        random_feature_accuracy=random_feature_accuracy(tuning),
        mistakes=int(np.sum(np.argmax(measured.logits, 1) != measured.targets)),
        pictures=tuple(pictures),
    )
    proof = [one.to_dict() for one in proofs]
    runs.finish(tuning.run, tuning.progress, training, **outcome.to_dict(), frozen=proof)
    return training, outcome


def stages_note(names: Sequence[str]) -> str | None:
    """Says what stands in the curves for stages whose names their font cannot write; None of none.

    >>> stages_note(["head", "明"])
    "the font of curves.png lacks letters of a stage's name: 'stage 2' is '明'"
    """
    from tfinspect.plots.curves import drawn_names

    pairs = zip(drawn_names(names), names, strict=True)
    told = [f"'{drawn}' is '{name}'" for drawn, name in pairs if drawn != name]
    if not told:
        return None
    return f"the font of curves.png lacks letters of a stage's name: {', '.join(told)}"


def majority(manifest: Manifest) -> tuple[str, float]:
    """Returns the commonest label of the training split, and its share of the test split."""
    counts = manifest.splits["train"].label_histogram
    label = max(counts, key=lambda name: counts[name])
    test = manifest.splits["test"].label_histogram
    return label, test.get(label, 0) / max(sum(test.values()), 1)


def _draw_mistakes(tuning: Tuning, measured: "Evaluation") -> list[str]:
    """Draws the test images whose labels were the least likely, worst first."""
    from tfinspect.plots.contact_sheet import write_contact_sheet

    log_probabilities = log_softmax(measured.logits)
    predicted = np.argmax(measured.logits, axis=1)
    places = np.arange(len(predicted))
    loss = np.where(predicted != measured.targets, -log_probabilities[places, measured.targets], 0)
    worst = np.argsort(-loss, kind="stable")[: min(MISTAKES, int(np.sum(loss > 0)))]
    if not len(worst):
        return []
    wanted = set(worst.tolist())
    pixels, names = _pixels(tuning, wanted), _names(tuning, wanted)
    cells = [
        mistake(measured, place, log_probabilities[place], pixels[place], names[place])
        for place in worst.tolist()
    ]
    path = tuning.run.file(MISTAKES_FILE)
    title = f"{len(cells)} of {int(np.sum(loss > 0)):,} mistakes, worst first"
    subtitle = "label → prediction, the probability of each, file"
    write_contact_sheet(path, cells, title=title, subtitle=subtitle, columns=8)
    return [path]


def mistake(
    measured: "Evaluation", place: int, log_probabilities: np.ndarray, pixels: np.ndarray, name: str
) -> "Cell":
    """Returns one test image with its label, the prediction and their probabilities.

    Args:
      measured: the test split.
      place: of the image in it.
      log_probabilities: `[C]`, of the image.
      pixels: uint8 `[H, W, 3]`.
      name: of the example, or of its file.
    """
    from tfinspect.data.example_names import short_name
    from tfinspect.plots.contact_sheet import Cell
    from tfinspect.plots.legible import legible_label, legible_text

    pair = int(measured.targets[place]), int(np.argmax(log_probabilities))
    return Cell(
        pixels,
        names=tuple(legible_label(measured.labels[one], one) for one in pair),
        facts=(" → ".join(f"{np.exp(log_probabilities[one]):.0%}" for one in pair),),
        place=legible_text(short_name(name)),
    )


def _names(tuning: Tuning, wanted: set[int]) -> dict[int, str]:
    from tfinspect.data.example_names import example_names

    directory, manifest = tuning.data
    names = itertools.islice(example_names(directory, manifest, "test"), max(wanted) + 1)
    return {place: name for place, name in enumerate(names) if place in wanted}


def _pixels(tuning: Tuning, wanted: set[int]) -> dict[int, np.ndarray]:
    """Returns uint8 `[H, W, C]` images of the test split by number, as evaluation crops them."""
    from tfinspect.data import pipeline

    found, start = {}, 0
    batches = tuning.batches("test")
    preprocessing: Any = batches.preprocessing
    for images, _ in pipeline.evaluation_dataset(batches):
        for place in wanted & set(range(start, start + len(images))):
            found[place] = _back(images[place - start].numpy(), preprocessing)
        start += len(images)
    return found


def _back(image: np.ndarray, preprocessing: Any) -> np.ndarray:
    """Undoes the scaling of a preprocessed image."""
    pixels = (image - preprocessing.offset) / preprocessing.scale
    if preprocessing.channel_means is not None:
        pixels = pixels + np.asarray(preprocessing.channel_means, np.float32)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _draw_filters(tuning: Tuning, artifact: Artifact | None) -> list[str]:
    """Draws the first layer's filters before, after, and their difference."""
    from tfinspect.artifacts import open_artifact
    from tfinspect.filter_pictures.output import FilterOutput
    from tfinspect.filter_pictures.write import visualize_weights
    from tfinspect.training import checkpoints

    if artifact is None:
        return []
    after = open_artifact(checkpoints.latest(tuning.run.best))
    path = tuning.run.file(FILTERS_FILE)
    try:
        visualize_weights(artifact, FilterOutput(page=path), compare=after)
    except (ArtifactError, ConfigError) as error:
        # Other names in the checkpoint (--rename): there is nothing to set side by side.
        tuning.observer.on_phase(f"no filter comparison: {error}")
        return []
    return [path]
