"""The arithmetic of three attribution methods over a function that gives scores and gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tfinspect.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Settings:
    """How attributions are computed.

    Attributes:
      steps: of the path from the baseline to the image, for integrated gradients; doubled, up to
        `most_steps`, until the attributions' sum misses the logits' difference by no more than
        `most_gap`, a share of it.
      baseline: preprocessed `[H, W, C]` without a trace of the class; None is a black image.
      samples: noisy copies of each image, for SmoothGrad.
      noise: standard deviation of the noise, as a share of the image's range of values.
      seed: of the noise.
      tensor: `[N, h, w, C]` for Grad-CAM, by the name of a tensor, op or end point; None is the
        last one with more than one position.
      batch_size: images that are run at once; None takes fewer of large ones.
    """

    steps: int = 64
    baseline: np.ndarray | None = None
    samples: int = 32
    noise: float = 0.15
    seed: int = 0
    tensor: str | None = None
    batch_size: int | None = None
    most_steps: int = 512
    most_gap: float = 0.05

    def __post_init__(self) -> None:
        if min(self.steps, self.samples, self.batch_size or 1) < 1 or self.noise < 0:
            raise ConfigError(
                f"{self.steps} steps, {self.samples} samples, a noise of {self.noise:g} and "
                f"batches of {self.batch_size} attribute nothing; give at least 1, 1, 0 and 1."
            )

    def passes(self, method: str) -> int:
        """Returns how often a method runs the model forth and back for each image, at least."""
        counts = {"integrated_gradients": self.steps + 2, "smooth_grad": self.samples}
        return counts.get(method, 1)


DEFAULT_SETTINGS = Settings()
# Images of a path that are held at once.
_POINTS = 64


class Gradient(Protocol):
    """Scores of a class and what they change with."""

    def of_images(self, images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns scores `[N]` and their gradients by the images, `[N, H, W, C]`."""

    def of_tensor(self, images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the watched tensor `[N, h, w, K]` and the gradients of the scores by it."""


def grad_cam(gradient: Gradient, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Returns `relu(sum_k a_k A_k)`, float32 `[N, h, w]` (arXiv:1610.02391, equations 1 and 2).

    `A_k` is channel k of the watched tensor, `a_k` the gradient by it, averaged over positions.
    """
    values, gradients = gradient.of_tensor(images, classes)
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    return np.maximum((weights * values).sum(axis=3), 0)


def integrated_gradients(
    gradient: Gradient,
    images: np.ndarray,
    classes: np.ndarray,
    settings: Settings,
    baseline: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Integrates the gradient along the straight path from a baseline (arXiv:1703.01365).

    The integral is Gauss and Legendre's sum over `settings.steps` points, exact for polynomials; at
    the kinks of other networks more points are taken for the images that need them.

    Returns:
      Attributions `[N, H, W, C]`, whose sum over an image is the difference of its score and the
      baseline's (axiom 'completeness'), and how far it is from that, as a share of it, `[N]`.
    """
    last = gradient.of_images(images, classes)[0]
    first = gradient.of_images(np.broadcast_to(baseline, images.shape), classes)[0]
    differences = (last - first).astype(np.float64)
    found, gaps = np.empty(images.shape, np.float32), np.empty(len(images), np.float32)
    for place, image in enumerate(images):

        def integral(steps: int, image: np.ndarray = image, column: int = classes[place]) -> Any:
            return (image - baseline) * _mean_gradient(gradient, image, baseline, column, steps)

        found[place], gaps[place] = _closest(integral, differences[place], settings)
    return found, gaps


def _mean_gradient(
    gradient: Gradient, image: np.ndarray, baseline: np.ndarray, column: int, steps: int
) -> np.ndarray:
    """Returns the gradient's mean along the path, float64 `[H, W, C]`."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    shares = ((nodes + 1) / 2).astype(np.float32).reshape(-1, 1, 1, 1)
    total = np.zeros(image.shape, np.float64)
    for start in range(0, steps, _POINTS):
        path = baseline + shares[start : start + _POINTS] * (image - baseline)
        gradients = gradient.of_images(path, np.repeat(column, len(path)))[1]
        total += np.tensordot(weights[start : start + _POINTS] / 2, gradients, axes=1)
    return total


def _closest(
    integral: Callable[[int], np.ndarray], difference: float, settings: Settings
) -> tuple[np.ndarray, float]:
    """Doubles the steps while the sum misses a difference; returns the closest, and its gap."""
    steps = settings.steps
    best = integral(steps)
    gap = _gap(best, difference)
    # A gap that is not a number does not become smaller.
    while gap > settings.most_gap and 2 * steps <= settings.most_steps:
        steps *= 2
        other = integral(steps)
        if _gap(other, difference) < gap:
            best, gap = other, _gap(other, difference)
    return best, gap


def _gap(attributed: np.ndarray, difference: float) -> float:
    missing = abs(float(attributed.sum()) - difference)
    if missing == 0:
        return 0.0
    return missing / abs(difference) if difference else np.inf


def smooth_grad(
    gradient: Gradient, images: np.ndarray, classes: np.ndarray, settings: Settings
) -> np.ndarray:
    """Averages the gradient over noisy copies of each image, `[N, H, W, C]` (arXiv:1706.03825)."""
    draw = np.random.default_rng(settings.seed).standard_normal
    found = np.empty(images.shape, np.float32)
    for place, image in enumerate(images):
        noise = draw((settings.samples, *image.shape), np.float32)
        copies = image + np.float32(settings.noise * np.ptp(image)) * noise
        gradients = gradient.of_images(copies, np.repeat(classes[place], len(copies)))[1]
        found[place] = gradients.mean(axis=0, dtype=np.float64)
    return found
