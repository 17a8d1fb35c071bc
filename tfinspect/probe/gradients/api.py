"""The gradients of single examples: in full, as norms, or clipped and summed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.names import choices
from tfinspect.probe.gradients import storage
from tfinspect.probe.gradients.probe import Chunk, GradientProbe

OPTIONS = ("loss", "variables", "memory")


@dataclass(frozen=True)
class ByVariable(Mapping[str, np.ndarray]):
    """Variable name -> array.

    Attributes:
      arrays: the same as a dict.
      rules: variable name -> how it was computed: by rules per op, or by `vectorized_map` and why.
      losses: float32 `[N]`, each example's own.
    """

    arrays: dict[str, np.ndarray] = field(repr=False)
    rules: dict[str, str] = field(repr=False)
    losses: np.ndarray = field(repr=False)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


@dataclass(frozen=True)
class PerExampleGradients(ByVariable):
    """Variable name -> gradients `[N, *shape]`, of the variable's dtype, read-only.

    Attributes:
      path: where they lie on disk, bfloat16 as float32; None if they are in memory.
    """

    path: str | None = None


@dataclass(frozen=True)
class NormResult:
    """Euclidean norms of per-example gradients.

    Attributes:
      total: float32 `[N]`, over all chosen variables together.
      per_variable: variable name -> float32 `[N]`.
      losses: float32 `[N]`, each example's own.
      logits: `[N, classes]`.
      rules: variable name -> how they were computed.
    """

    total: np.ndarray
    per_variable: dict[str, np.ndarray] = field(repr=False)
    losses: np.ndarray = field(repr=False)
    logits: np.ndarray = field(repr=False)
    rules: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class ClippedSum(ByVariable):
    """Variable name -> sum over the examples of their clipped gradients, `[*shape]`."""


def per_example_gradients(
    model: Any,
    images: Any,
    labels: Any,
    *,
    output: str | None = None,
    **options: Any,
) -> PerExampleGradients:
    """Returns the gradient of each example's own loss, with respect to each variable.

    The model runs in inference mode. Where a training loss is the mean over a batch, its gradient
    is the mean of these over N. Variables are differentiated by rules per op of the traced graph;
    those without a rule by `tf.vectorized_map`, which `rules` of the result says.

    Args:
      model: a `Model`, a `GradientProbe` that keeps its graphs, or what `load_model` takes.
      images: preprocessed, `[N, H, W, C]`.
      labels: class numbers `[N]`; `[N, outputs]` of 0 and 1 for a model that ends in sigmoids; or
        what the loss takes, one entry per example.
      output: a directory for one `.npy` file per variable or a `.h5` file, written chunk by chunk:
        N gradients need not fit into memory. None returns arrays in memory.
      **options: `loss`, `variables` and `memory` of `GradientProbe`.

    Raises:
      DataError: images and labels do not fit the model or each other, hold NaN, or the losses do.
      NetworkError: batch normalization in training mode, no float path to any variable, or logits
        that are not `[N, classes]`.
      ConfigError: an unknown option or variable, options beside a probe, a loss that is a mean, or
        too little memory for one example.
    """
    probe = _probe(model, options)
    chunks = probe.gradients(images, labels)
    if output is not None:
        return _stored(probe, chunks, len(images), output)
    made = list(chunks)
    arrays = {name: _joined([one.values[name] for one in made]) for name in probe.chosen}
    return PerExampleGradients(arrays, dict(probe.rules), _joined([one.losses for one in made]))


def _stored(
    probe: GradientProbe, chunks: Iterator[Chunk], count: int, output: str
) -> PerExampleGradients:
    losses = []
    with storage.opened(output, storage.shapes(probe.chosen, count)) as store:
        for chunk in chunks:
            losses.append(chunk.losses)
            store.put(chunk.start, chunk.values)
    arrays = storage.load(output, probe.chosen)
    return PerExampleGradients(arrays, dict(probe.rules), _joined(losses), output)


def per_example_gradient_norms(model: Any, images: Any, labels: Any, **options: Any) -> NormResult:
    """Returns the Euclidean norm of each example's gradient; no full gradient is kept.

    Dense and small convolutional layers take the Gram form, products of positions, wherever that
    is less work than the gradient itself; a variable that is used several times is summed first.

    Args:
      model: as `per_example_gradients` takes it.
      images: preprocessed, `[N, H, W, C]`.
      labels: class numbers `[N]`, or what the loss takes.
      **options: `loss`, `variables` and `memory` of `GradientProbe`.

    Raises:
      TfinspectError: as `per_example_gradients` does.
    """
    probe = _probe(model, options)
    made = list(probe.norms(images, labels))
    norms = {name: _joined([one.values[name] for one in made]) for name in probe.chosen}
    squares = np.sum([np.square(norm, dtype=np.float64) for norm in norms.values()], axis=0)
    return NormResult(
        np.sqrt(squares).astype(np.float32),
        norms,
        _joined([one.losses for one in made]),
        _joined([one.logits for one in made]),
        dict(probe.rules),
    )


def clipped_sum(
    model: Any, images: Any, labels: Any, clip_norm: float, **options: Any
) -> ClippedSum:
    """Clips each example's gradient to a norm and sums them, as DP-SGD does (arXiv:1607.00133).

    An example's gradient g over all chosen variables counts as `g * min(1, clip_norm / |g|)`. The
    norms come first; then one ordinary gradient of the losses, weighted, is the sum. Gradients
    without a rule are scaled and summed one by one.

    Args:
      model: as `per_example_gradients` takes it.
      images: preprocessed, `[N, H, W, C]`.
      labels: class numbers `[N]`, or what the loss takes.
      clip_norm: largest norm of an example's gradient, above 0.
      **options: `loss`, `variables` and `memory` of `GradientProbe`.

    Raises:
      TfinspectError: as `per_example_gradients` does.
    """
    probe = _probe(model, options)
    made = list(probe.clipped_sums(images, labels, clip_norm))
    sums = {name: sum(one.values[name] for one in made) for name in probe.chosen}
    return ClippedSum(sums, dict(probe.rules), _joined([one.losses for one in made]))  # type: ignore[arg-type]


def _probe(model: Any, options: Mapping[str, Any]) -> GradientProbe:
    for name in options:
        if name not in OPTIONS:
            raise ConfigError(f"there is no option {name}=; {choices(name, OPTIONS)}.")
    if not isinstance(model, GradientProbe):
        return GradientProbe(model, **options)
    if options:
        raise ConfigError(
            f"a GradientProbe has its {next(iter(options))} already; give it to GradientProbe when "
            "that is made, or give the model itself."
        )
    return model


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
