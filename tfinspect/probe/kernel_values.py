"""Reads a kernel of any kind as `[kh, kw, in, filters]`."""

import numpy as np

from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.probe.filters import DENSE, DEPTHWISE, SEPARABLE, TRANSPOSED, Kernel


def read_kernel(artifact: Artifact, kernel: Kernel, first: int | None = None) -> np.ndarray:
    """Reads the weights of one layer.

    Args:
      artifact: what the kernel was found in, or another with a variable of its name.
      kernel: which one.
      first: only so many of the first filters; None for all. Only what is asked for is read, where
        the format allows it; then checksums are not verified.

    Returns:
      float32, or float64 where the values are, of the kernel's shape but for `first`. A separable
      convolution comes as the one convolution that its two steps are together.

    Raises:
      ArtifactError: no such variable, another shape, or a broken value.
    """
    if kernel.kind == SEPARABLE:
        return _composed(artifact, kernel, first)
    (entry,) = kernel.parts
    if first is None or kernel.kind in (DEPTHWISE, TRANSPOSED) or len(entry.shape or ()) < 2:
        value = _read(artifact, entry)
    else:
        value = _read(artifact, entry, (..., slice(0, first)))
    return _arranged(value, kernel)[..., :first]


def _read(artifact: Artifact, expected: VariableEntry, part: object = None) -> np.ndarray:
    entry = artifact.entry(expected.name)
    if entry.shape != expected.shape:
        raise ArtifactError(
            f"'{expected.name}' has shape {list(entry.shape or ())} in '{artifact.path}', "
            f"not {list(expected.shape or ())}; kernels of one shape can be compared."
        )
    value = artifact.read(entry.name) if part is None else artifact.read_part(entry.name, part)
    return value if value.dtype == np.float64 else value.astype(np.float32)


def _arranged(value: np.ndarray, kernel: Kernel) -> np.ndarray:
    height, width, channels, _ = kernel.shape
    if kernel.kind == TRANSPOSED:
        value = value.swapaxes(-1, -2)
    if value.ndim == 5:
        # Depth slices side by side: [d, h, w, in, out] -> [h, d, w, in, out].
        value = value.swapaxes(0, 1)
    if kernel.kind == DENSE:
        value = value.reshape(height * width * channels, -1)
    return value.reshape(height, width, channels, -1)


def _composed(artifact: Artifact, kernel: Kernel, first: int | None) -> np.ndarray:
    depthwise, pointwise = (_read(artifact, entry) for entry in kernel.parts)
    *_, channels, multiplier = depthwise.shape
    mixing = pointwise.reshape(channels, multiplier, -1)[..., :first]
    with np.errstate(invalid="ignore", over="ignore"):
        return np.einsum("hwcm,cmo->hwco", depthwise, mixing)
