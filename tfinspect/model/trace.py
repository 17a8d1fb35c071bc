"""One build of a model in a graph of its own, from which any tensor can be fetched."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import ArtifactError, DataError
from tfinspect.model.filling import filled
from tfinspect.model.graph_walk import reached_from
from tfinspect.names import choices


@dataclass(frozen=True)
class Built:
    """What a model made in a graph.

    Attributes:
      logits: tensor, `[N, classes]` for a classifier: what comes before a final Softmax when the
        model ends in one, else its output.
      end_points: name -> tensor; empty where the source names none.
    """

    logits: Any
    end_points: Mapping[str, Any]


@dataclass(frozen=True)
class Traced:
    """A model's graph.

    Attributes:
      graph: the `FuncGraph`; it captures the model's variables.
      images: placeholder `[N, H, W, C]`.
      logits: as `Built` has it.
      end_points: as `Built` has them.
    """

    graph: Any
    images: Any
    logits: Any
    end_points: Mapping[str, Any]
    wrapped: Any = field(repr=False)
    _pruned: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)

    def tensor(self, name: str, outputs: Mapping[str, str] | None = None) -> Any:
        """Returns a tensor by the name of an end point, of itself, or of its op's only output.

        Args:
          name: as the caller gives it.
          outputs: further names -> tensors, as of `Model.outputs`; they come first. None for none.

        Raises:
          ArtifactError: nothing in the graph has this name.
        """
        outputs = outputs or {}
        wanted = outputs.get(name, name)
        if wanted in self.end_points:
            return self.end_points[wanted]
        try:
            return self.graph.get_tensor_by_name(wanted if ":" in wanted else f"{wanted}:0")
        except (KeyError, ValueError) as error:
            raise ArtifactError(self._unknown(name, outputs)) from error

    def _unknown(self, name: str, outputs: Collection[str]) -> str:
        existing = [out.name for op in self.graph.get_operations() for out in op.outputs]
        kinds = "tensor, no output" if outputs else "tensor"
        return (
            f"no {kinds} and no end point '{name}' in the graph; "
            f"{choices(name, [*outputs, *self.end_points, *existing])}. Take one of them."
        )

    def fetch(
        self, names: Sequence[str], images: np.ndarray, batch_size: int
    ) -> dict[str, np.ndarray]:
        """Returns values by name, as `Model.fetch` does."""
        tensors = [self.tensor(name) for name in names]
        return dict(zip(names, self.values(tensors, images, batch_size), strict=True))

    def values(
        self, tensors: Sequence[Any], images: np.ndarray, batch_size: int
    ) -> list[np.ndarray]:
        """Runs the graph on batches of images and puts the values together.

        Raises:
          DataError: a tensor's value depends on how the images are cut into batches.
        """
        run = self.function(tensors)
        full = self.images.shape[0]
        starts = range(0, len(images), batch_size) if len(images) else [0]
        parts = [_run(run, images[start : start + batch_size], full) for start in starts]
        reached = reached_from(self.images)
        counts = [len(images[start : start + batch_size]) for start in starts]
        fed = [full or max(count, 1) for count in counts]
        return [
            _joined(tensor, values, list(zip(counts, fed, strict=True)), reached)
            for tensor, values in zip(tensors, zip(*parts, strict=True), strict=True)
        ]

    def function(self, tensors: Sequence[Any]) -> Any:
        """Returns the function of the images that gives some of the graph's tensors."""
        key = tuple(tensor.name for tensor in tensors)
        if key not in self._pruned:
            self._pruned[key] = self.wrapped.prune([self.images], list(tensors))
        return self._pruned[key]


def _run(run: Any, images: np.ndarray, full: int | None) -> list[np.ndarray]:
    import tensorflow as tf

    # Not all ops take an empty batch.
    images = filled(images, full or max(len(images), 1))
    return [value.numpy() for value in run(tf.constant(images))]


def _joined(
    tensor: Any,
    parts: Sequence[np.ndarray],
    counts: Sequence[tuple[int, int]],
    reached: frozenset[str],
) -> np.ndarray:
    """Puts the batches together; `counts` are the images wanted and the images fed of each."""
    if tensor.op.name not in reached or (len(parts) == 1 and np.ndim(parts[0]) == 0):
        return parts[0]
    pairs = list(zip(parts, counts, strict=True))
    if all(np.ndim(part) and len(part) == fed for part, (_, fed) in pairs):
        return np.concatenate([part[:wanted] for part, (wanted, _) in pairs])
    if len(parts) == 1:
        return parts[0]
    raise DataError(
        f"the first axis of '{tensor.name}' does not count the images, and its value depends on "
        "the batch; fetch it with batch_size=len(images)."
    )


def trace(
    build: Callable[[Any], Built], name: str, dtype: str, shape: Sequence[int | None]
) -> Traced:
    """Builds a model in a graph of its own.

    Args:
      build: makes the model's ops from an image tensor.
      name: of the placeholder.
      dtype: of the images.
      shape: `[N, H, W, C]`, None for what is free.
    """
    import tensorflow as tf

    made: dict[str, Any] = {}

    def traced() -> Any:
        made["images"] = tf.compat.v1.placeholder(dtype, shape, name)
        made["built"] = build(made["images"])
        return made["built"].logits

    wrapped = tf.compat.v1.wrap_function(traced, [])
    built = made["built"]
    return Traced(wrapped.graph, made["images"], built.logits, built.end_points, wrapped)
