"""The arithmetic of three attribution methods over a function that gives scores and gradients."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tfinspect.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Settings:
    """How attributions are computed.

    Attributes:
      steps: of the path from the baseline to the image, for integrated gradients.
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

    def __post_init__(self) -> None:
        if min(self.steps, self.samples, self.batch_size or 1) < 1 or self.noise < 0:
            raise ConfigError(
                f"{self.steps} steps, {self.samples} samples, a noise of {self.noise:g} and "
                f"batches of {self.batch_size} attribute nothing; give at least 1, 1, 0 and 1."
            )

    def passes(self, method: str) -> int:
        """Returns how often a method runs the model forth and back for each image."""
        counts = {"integrated_gradients": self.steps + 2, "smooth_grad": self.samples}
        return counts.get(method, 1)


DEFAULT_SETTINGS = Settings()


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

    The integral is Gauss and Legendre's sum over `settings.steps` points, exact for polynomials.

    Returns:
      Attributions `[N, H, W, C]`, whose sum over an image is the difference of its score and the
      baseline's (axiom 'completeness'), and how far it is from that, as a share of it, `[N]`.
    """
    nodes, weights = np.polynomial.legendre.leggauss(settings.steps)
    shares = ((nodes + 1) / 2).astype(np.float32).reshape(-1, 1, 1, 1)
    total = np.empty(images.shape, np.float64)
    for place, image in enumerate(images):
        path = baseline + shares * (image - baseline)
        gradients = gradient.of_images(path, np.repeat(classes[place], len(path)))[1]
        total[place] = np.tensordot(weights / 2, gradients, axes=1)
    found = (images - baseline) * total
    last = gradient.of_images(images, classes)[0]
    first = gradient.of_images(np.broadcast_to(baseline, images.shape), classes)[0]
    difference = (last - first).astype(np.float64)
    missing = abs(found.sum(axis=(1, 2, 3)) - difference)
    with np.errstate(divide="ignore"):
        gap = np.where(missing == 0, 0.0, missing / abs(difference))
    return found.astype(np.float32), gap.astype(np.float32)


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
