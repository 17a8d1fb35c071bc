"""`explain`: which pixels speak for a class. Grad-CAM, integrated gradients and SmoothGrad."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError, DataError
from tfinspect.model import Model
from tfinspect.names import choices
from tfinspect.probe import attribution_methods as methods
from tfinspect.probe.attribution_methods import DEFAULT_SETTINGS, Settings
from tfinspect.probe.score_gradient import ScoreGradient, last_spatial

METHODS = ("grad_cam", "integrated_gradients", "smooth_grad")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What speaks for one class of each image.

    Attributes:
      classes: int64 `[N]`, columns of the logits.
      labels: their names, N of them.
      probabilities: float32 `[N]`, of these classes.
      maps: method -> float32 attributions. `grad_cam` is `[N, h, w]` in the size of the tensor it
        looks at, at least 0; the others are `[N, H, W, C]` like the images, of either sign.
      tensor: the one that Grad-CAM looks at; None without Grad-CAM.
      completeness_gap: float32 `[N]`: how far the sum of the integrated gradients is from the
        difference of the logits of image and baseline, as a share of it; 0 is exact. None without
        integrated gradients.
    """

    classes: np.ndarray
    labels: tuple[str, ...]
    probabilities: np.ndarray
    maps: Mapping[str, np.ndarray]
    tensor: str | None
    completeness_gap: np.ndarray | None


def explain(
    model: Model,
    images: Any,
    classes: int | str | Sequence[int | str] | None = None,
    *,
    use: Sequence[str] = METHODS,
    settings: Settings = DEFAULT_SETTINGS,
    progress: Progress | None = None,
) -> Explanation:
    """Attributes the logit of a class to the pixels of each image.

    Args:
      model: a classifier, from `load_model`.
      images: preprocessed, `[N, H, W, C]`.
      classes: name or column of one class for all images, or one for each; None takes the class
        that the model predicts for each.
      use: of METHODS.
      settings: steps, noise, and the tensor that Grad-CAM looks at.
      progress: is told what is done, how far, and how far it goes.

    Raises:
      ConfigError: no such method, class or tensor.
      DataError: there is no image, the images have another shape than the model takes, or the
        model gives something else than one row of logits an image.
    """
    for name in use:
        if name not in METHODS:
            raise ConfigError(f"no method '{name}'; {choices(name, METHODS)}. Give one of them.")
    images = np.asarray(images, np.float32)
    if len(images) == 0:
        raise DataError("there is no image to explain; give at least one.")
    logits = _logits(model, images)
    wanted = _classes(model, classes, logits)
    watched = last_spatial(model.trace(), settings.tensor) if "grad_cam" in use else None
    total = len(images) * sum(map(settings.passes, use))
    gradient = ScoreGradient(model, watched, settings.batch_size, _counted(progress, total))
    maps, gap = {}, None
    for name in use:
        if name == "grad_cam":
            maps[name] = methods.grad_cam(gradient, images, wanted)
        elif name == "smooth_grad":
            maps[name] = methods.smooth_grad(gradient, images, wanted, settings)
        else:
            baseline = _baseline(model, images, settings.baseline)
            found = methods.integrated_gradients(gradient, images, wanted, settings, baseline)
            maps[name], gap = found
    return Explanation(
        classes=wanted,
        labels=tuple(_label(model, column) for column in wanted),
        probabilities=_softmax(logits)[np.arange(len(images)), wanted],
        maps=maps,
        tensor=watched,
        completeness_gap=gap,
    )


def _counted(progress: Progress | None, total: int) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            # Paths with many kinks take more steps than were planned.
            progress("explaining", done, max(done, total))

    return advance


def _logits(model: Model, images: np.ndarray) -> np.ndarray:
    logits = model.logits(images)
    if logits.ndim != 2 or len(logits) != len(images):
        raise DataError(
            f"'{model.name}' gives {list(logits.shape)} for {len(images)} images and not one row "
            "of logits each; only the classes of a classifier can be explained."
        )
    return np.asarray(logits, np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _classes(model: Model, wanted: Any, logits: np.ndarray) -> np.ndarray:
    if wanted is None:
        return logits.argmax(axis=1)
    listed = [wanted] if isinstance(wanted, (int, str, np.integer)) else list(wanted)
    columns = [_column(model, one, logits.shape[1]) for one in listed]
    if len(columns) not in (1, len(logits)):
        raise ConfigError(
            f"{len(columns)} classes for {len(logits)} images; give one for all, or one for each."
        )
    return np.resize(np.array(columns, np.int64), len(logits))


def _column(model: Model, wanted: Any, count: int) -> int:
    labels = model.labels or ()
    if wanted in labels:
        return labels.index(wanted)
    # Labels may be digits themselves: a number is a column only where no label reads like it.
    if str(wanted).isdecimal() and int(wanted) < count:
        return int(wanted)
    known = f"{choices(str(wanted), labels)}; " if labels else ""
    raise ConfigError(
        f"the model has no class '{wanted}'; {known}a column from 0 to {count - 1} works, too."
    )


def _label(model: Model, column: int) -> str:
    return str(column) if model.labels is None else model.labels[column]


def _baseline(model: Model, images: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    if given is not None:
        return np.asarray(np.broadcast_to(given, images.shape[1:]), np.float32)
    # Black as the model sees it: 0 in its own range may be mid-grey.
    height, width = images.shape[1:3]
    return np.asarray(model.preprocess(np.zeros((height, width, 3), np.uint8))[0])
