"""A model traced once for gradients of single examples, and run chunk by chunk."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.probe.gradients import default_loss, inputs, memory
from tfinspect.probe.gradients.graph import Loss


@dataclass(frozen=True)
class Chunk:
    """What was computed of consecutive examples.

    Attributes:
      start: number of the first one.
      losses: float32 `[n]`.
      logits: `[n, classes]`.
      values: by name; what they are depends on the function that ran.
    """

    start: int
    losses: np.ndarray
    logits: np.ndarray
    values: dict[str, np.ndarray]


class GradientProbe:
    """Computes per-example gradients of one model; its graphs are traced once per chunk size.

    Attributes:
      model: the `Model`.
    """

    def __init__(
        self,
        model: Any,
        loss: Loss | None = None,
        variables: Iterable[str] | None = None,
        memory: str | int | None = None,
    ) -> None:
        """Traces nothing yet.

        Args:
          model: a `Model`, or what `load_model` takes.
          loss: `(labels, logits) -> [N]`, one value per example and no mean; None is the softmax
            cross-entropy of class numbers, or where the model ends in sigmoids the mean of their
            binary cross-entropies.
          variables: names; None chooses all trainable ones.
          memory: such as "2GB": what a chunk may take, roughly; None cuts into chunks of 64
            examples.

        Raises:
          TfinspectError: as `load_model` does.
        """
        self.model = inputs.as_model(model)
        self._loss = loss
        self._variables = variables
        self._memory = memory
        self._functions: dict[Any, Any] = {}
        self._rules: dict[str, str] = {}

    @property
    def rules(self) -> dict[str, str]:
        """Variable name -> how its gradients were computed; empty before the first call."""
        return dict(self._rules)

    @functools.cached_property
    def chosen(self) -> dict[str, Any]:
        """The variables by name."""
        return inputs.choose_variables(self.model, self._variables)

    def gradients(self, images: Any, labels: Any) -> Iterator[Chunk]:
        """Yields `[n, *shape]` of every variable, chunk by chunk."""
        return self._chunks("full", images, labels)

    def norms(self, images: Any, labels: Any) -> Iterator[Chunk]:
        """Yields the norms of every variable's gradients, float32 `[n]`."""
        return self._chunks("norms", images, labels)

    def clipped_sums(self, images: Any, labels: Any, clip_norm: float) -> Iterator[Chunk]:
        """Yields each chunk's sum of clipped gradients, `[*shape]` of every variable.

        Raises:
          ConfigError: the norm is not above 0.
        """
        if not (clip_norm > 0 and np.isfinite(clip_norm)):
            raise ConfigError(f"a clip norm of {clip_norm} is not above 0; 1 is usual.")
        return self._chunks("clipped", images, labels, clip_norm)

    def ranking(self, images: Any, labels: Any) -> Iterator[Chunk]:
        """Yields norms as `norms` does, and under "last layer" its gradients, `[n, D]`.

        D is the last layer's number of parameters; more than 4096 are sketched down to that.
        """
        return self._chunks("ranking", images, labels)

    def _chunks(
        self, kind: str, images: Any, labels: Any, clip_norm: float = 1.0
    ) -> Iterator[Chunk]:
        images = inputs.check_images(self.model, images)
        labels = inputs.check_labels(labels, len(images))
        if self._loss is None:
            labels = default_loss.as_labels(labels)
        size = self.chunk_size(images, kind == "full")
        return self._run(kind, images, labels, size, clip_norm)

    def chunk_size(self, images: np.ndarray, full: bool) -> int:
        """Returns how many of the images are computed at once.

        Raises:
          ConfigError: the memory is too small for a single example.
        """
        limit = memory.parse_memory(self._memory)
        if self.model.batch is not None:
            return int(self.model.batch)
        if limit is None:
            return memory.chunk_size(len(images), memory.DEFAULT_CHUNK)
        one = self._bytes_per_example(images.shape[1:], full)
        if one > limit:
            raise ConfigError(
                f"'{self._memory}' of memory is too little for one example of '{self.model.name}', "
                f"which needs about {one / 1e6:,.0f} MB; give more, or fewer variables."
            )
        return memory.chunk_size(len(images), limit // one)

    def _bytes_per_example(self, shape: tuple[int, ...], full: bool) -> int:
        key = ("bytes", shape, full)
        if key not in self._functions:
            size = memory.bytes_per_example(self.model, shape, self.chosen, full)
            self._functions[key] = size
        return int(self._functions[key])

    def _run(
        self, kind: str, images: np.ndarray, labels: np.ndarray, size: int, clip_norm: float
    ) -> Iterator[Chunk]:
        import tensorflow as tf

        function = self._function(kind, images, labels, size)
        if self._loss is None:
            default_loss.check_values(labels, int(function.structured_outputs[1].shape[-1]))
        for start in range(0, len(images), size):
            count = min(size, len(images) - start)
            x, y = (_filled(array[start : start + count], size) for array in (images, labels))
            weights = (np.arange(size) < count).astype(np.float32) * clip_norm
            losses, logits, values = function(*map(tf.constant, (x, y, weights)))
            losses, logits = np.asarray(losses)[:count], np.asarray(logits)[:count]
            inputs.check_losses(losses, start)
            cut = slice(None) if kind == "clipped" else slice(count)
            arrays = {name: np.asarray(value)[cut] for name, value in values.items()}
            yield Chunk(start, losses, logits, arrays)

    def _function(self, kind: str, images: np.ndarray, labels: np.ndarray, size: int) -> Any:
        key = (kind, size, images.shape[1:], labels.shape[1:], labels.dtype)
        if key not in self._functions:
            self._functions[key] = self._trace(kind, images, labels, size)
        return self._functions[key]

    def _trace(self, kind: str, images: np.ndarray, labels: np.ndarray, size: int) -> Any:
        import tensorflow as tf

        from tfinspect.probe.gradients import traced

        def run(x: Any, y: Any, weights: Any) -> Any:
            batch = traced.Batch(x, y, weights)
            result = traced.TRACES[kind](self.model, batch, self._loss, self.chosen)
            self._rules.update(result.rules)
            return result.losses, result.logits, result.values

        specs = [
            tf.TensorSpec([size, *images.shape[1:]], images.dtype),
            tf.TensorSpec([size, *labels.shape[1:]], labels.dtype),
            tf.TensorSpec([size], tf.float32),
        ]
        return tf.function(run, autograph=False).get_concrete_function(*specs)


def _filled(array: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last example: one graph serves all chunks, and what is too much is cut off."""
    missing = size - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, 0)]) if missing else array
