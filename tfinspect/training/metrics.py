"""What a classifier's logits are worth against the true labels: pure NumPy, in float64."""

from dataclasses import dataclass

import numpy as np

# Equal-width bins of confidence, as in arXiv:1706.04599, section 2.
CALIBRATION_BINS = 15
TOP = 5


@dataclass(frozen=True)
class ClassMetrics:
    """One class of a confusion matrix.

    Attributes:
      examples: how many have this label.
      predicted: how many were given this label.
      precision: share of the predicted ones that have the label; None if none was predicted.
      recall: share of the examples that were found; None if there are none.
    """

    examples: int
    predicted: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Metrics:
    """Measures over N examples of C classes; shares lie in 0..1.

    Attributes:
      accuracy: share whose highest logit is the label's.
      top5: share whose label is among the five highest logits; None with five classes or fewer.
      loss: mean cross-entropy in nats, without L2 terms.
      auroc: mean over classes of the area under the one-vs-rest ROC curve; None if all examples
        have one label.
      auroc_classes: how many classes that mean is over: those that occur.
      ece: expected calibration error with 15 bins, arXiv:1706.04599.
      confusion: int64 `[C, C]`, true label by row, predicted label by column.
    """

    accuracy: float
    top5: float | None
    loss: float
    auroc: float | None
    auroc_classes: int
    ece: float
    confusion: np.ndarray

    @property
    def classes(self) -> tuple[ClassMetrics, ...]:
        """Precision and recall per class."""
        return tuple(per_class(self.confusion))


def measure(logits: np.ndarray, labels: np.ndarray) -> Metrics:
    """Computes all measures.

    Args:
      logits: `[N, C]`, finite, N at least 1; natural logarithms of probabilities serve as well.
      labels: int `[N]`, 0..C-1.
    """
    log_probabilities = log_softmax(logits)
    probabilities = np.exp(log_probabilities)
    rank = _rank_of_label(log_probabilities, labels)
    area, classes = auroc(probabilities, labels)
    return Metrics(
        accuracy=float(np.mean(rank == 0)),
        top5=float(np.mean(rank < TOP)) if logits.shape[1] > TOP else None,
        loss=float(-np.mean(log_probabilities[np.arange(len(labels)), labels])),
        auroc=area,
        auroc_classes=classes,
        ece=expected_calibration_error(probabilities, labels),
        confusion=confusion_matrix(labels, np.argmax(probabilities, axis=1), logits.shape[1]),
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Returns float64 log-probabilities `[N, C]`."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _rank_of_label(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    # Of equal scores the lower class comes first, as with argmax.
    own = scores[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(scores.shape[1])[None, :] < np.asarray(labels)[:, None]
    return np.sum((scores > own) | ((scores == own) & earlier), axis=1)


def auroc(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float | None, int]:
    """Returns the mean one-vs-rest area under the ROC curve, and over how many classes.

    A class without examples, or without others, has no curve and is left out.
    """
    from sklearn.metrics import roc_auc_score

    areas = []
    for label in range(probabilities.shape[1]):
        positive = labels == label
        if positive.any() and not positive.all():
            areas.append(float(roc_auc_score(positive, probabilities[:, label])))
    return (float(np.mean(areas)) if areas else None), len(areas)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean distance of confidence and accuracy, over bins `((m-1)/15, m/15]`."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1
    gaps = np.bincount(bins.clip(0, CALIBRATION_BINS - 1), correct - confidence)
    return float(np.abs(gaps).sum() / len(labels))


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts examples by true label (row) and predicted label (column), int64 `[C, C]`."""
    pairs = np.asarray(labels, np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def per_class(confusion: np.ndarray) -> list[ClassMetrics]:
    """Returns the measures of each class of a confusion matrix."""
    found, examples, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return [
        ClassMetrics(int(n), int(p), float(hit / p) if p else None, float(hit / n) if n else None)
        for hit, n, p in zip(found, examples, predicted, strict=True)
    ]
