"""The 1,797 real handwritten digits that scikit-learn ships, in CIFAR-10's layout."""

import numpy as np

from tfinspect.data.examples import Examples, ImageArrays, Source
from tfinspect.data.stratify import largest_remainder, stratified

TEST_EXAMPLES = 300
VALIDATION_EXAMPLES = 200
IMAGE_SIZE = 32
_SOURCE_MAX = 16


def digits_source(seed: int) -> Source:
    """Returns the digits, stratified by `seed`: 300 for test, 200 for validation, else train."""
    return Source(
        name="digits",
        fingerprint={"kind": "digits", "layout": 1, "seed": seed},
        load=lambda: _load(seed),
    )


def _load(seed: int) -> Examples:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = as_cifar(bunch.images)
    labels = bunch.target.astype(np.int64)
    counts = np.bincount(labels)
    test = largest_remainder(counts, TEST_EXAMPLES)
    validation = largest_remainder(counts - test, VALIDATION_EXAMPLES)
    parts = stratified(labels, {"test": test, "validation": validation}, seed)
    return Examples(
        label_names=tuple(str(name) for name in bunch.target_names),
        splits={
            split: ImageArrays(images[parts[split]], labels[parts[split]])
            for split in ("train", "validation", "test")
        },
    )


def as_cifar(images: np.ndarray) -> np.ndarray:
    """Enlarges grey images `[N, 8, 8]`, 0 to 16, bilinearly to uint8 `[N, 3, 32, 32]`, 0 to 255."""
    weights = _bilinear(images.shape[1], IMAGE_SIZE)
    enlarged = np.einsum("ih,nhw,jw->nij", weights, images * (256 / _SOURCE_MAX), weights)
    grey = np.clip(np.rint(enlarged), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, np.newaxis], 3, axis=1))


def _bilinear(size: int, target: int) -> np.ndarray:
    # [target, size], with half-pixel centres and the edges clamped.
    centres = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    return np.maximum(0.0, 1.0 - np.abs(centres[:, np.newaxis] - np.arange(size)))
